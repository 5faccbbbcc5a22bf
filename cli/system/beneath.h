/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_BENEATH_H
#define CFLIGHT_CLI_SYSTEM_BENEATH_H

/* Opens what lies below a directory, and nothing else, whatever somebody does to names and links
 * meanwhile. Links are followed as long as they stay below; one that is absolute, or has more ".."
 * than there are directories, leads out. Thread class: free. */

/* open() of a relative path below `root_fd`; "." is the directory itself. Descriptors are not
 * inherited. @return the descriptor; -1 with errno, EXDEV for a link that leads out */
int cli_beneath_open(int root_fd, const char *path, int flags);

/* The same step by step, which cli_beneath_open() does where the kernel has no openat2(). */
int cli_beneath_walk(int root_fd, const char *path, int flags);

#endif /* CFLIGHT_CLI_SYSTEM_BENEATH_H */
