"""Small helpers without knowledge of networks: formatting, threads, the journal of long runs."""
