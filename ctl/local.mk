# mailfromctl: main and one file for each command.
