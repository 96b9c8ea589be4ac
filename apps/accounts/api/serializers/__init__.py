"""What accounts take and show."""

LONGEST_PASSWORD = 1000
