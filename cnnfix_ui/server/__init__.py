"""What keeps the server healthy: headers, jobs, turns, caches."""
