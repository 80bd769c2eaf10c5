"""The pages, by topic: log-in and log-out, passwords, the missing data, the account, help."""
