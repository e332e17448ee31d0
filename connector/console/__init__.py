"""The console: the pages by which operators look, search and mend in a browser. They call what the commands call."""
