"""Pages for those who are not signed in: signing in, registering, and what letters link to."""
