"""The Batch page: the uploaded pictures, the jobs that explain them, the table and the contact sheet."""
