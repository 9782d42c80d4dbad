"""The Batch page: what was sent, the jobs that ask about it, the table and the contact sheet."""
