"""The ground floor: statuses, events, clocks and rules, without a socket, a file or a database."""
