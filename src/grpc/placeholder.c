typedef int cfl_placeholder;
