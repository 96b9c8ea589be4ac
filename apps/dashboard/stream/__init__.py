"""The live event stream: one Redis listener a process, a mailbox a client, no database connection held."""
