# SPDX-License-Identifier: Apache-2.0
"""What docs/guide/operations.md tells people to write: the command takes it."""

import re
import shlex

import pytest

import cflight_command

PAGE = (cflight_command.ROOT / "docs/guide/operations.md").read_text()


def given_to_pods():
    """The arguments of the container in the manifest."""
    words = re.search(r"args: \[(.*?)\]", PAGE, re.DOTALL)[1].replace('"', "")
    return [word.strip() for word in words.split(",")]


def test_the_arguments_of_a_pod_are_taken(cflight, tmp_path):
    words = [{"/data": str(tmp_path), "grpc://0.0.0.0:32010": "grpc://127.0.0.1:0"}.get(word, word) for word in given_to_pods()]
    assert words[0] == "serve" and "--drain-delay" in words
    words[words.index("--drain-delay") + 1] = "0"
    with cflight.serving(words[1], *words[2:], listen=None) as server:
        server.wait_for_message("cflight 0.1.0 serves")
        assert "--unread-max 536870912, open files" in server.messages()


@pytest.mark.parametrize("line", re.findall(r"^CFLIGHT_OPTIONS=(.*)$", PAGE, re.MULTILINE))
def test_the_options_of_a_service_are_known(cflight, tmp_path, line):
    """As far as they go without the files that they name and a socket that is passed."""
    done = cflight.run("serve", *shlex.split(line), "--", tmp_path)
    assert done.returncode == 2 and "no socket 'grpc' was passed to this process" in done.stderr


def test_options_on_the_page_exist(cflight):
    known = set(re.findall(r"--[a-z0-9-]+", cflight.run("serve", "--help", check=True).stdout))
    assert {option for option in re.findall(r"`(--[a-z0-9-]+)", PAGE)} <= known


def test_the_log_says_what_the_page_shows(cflight, tmp_path):
    start = re.search(r"notice cflight: cflight \S+ serves '.*' on (\S+) with (.*); limits: .*open files \d+", PAGE)
    assert start is not None
    with cflight.serving(tmp_path) as server:
        server.wait_for_message(f" serves '{tmp_path}' on {server.location} with health, reflection; limits: open files ")
