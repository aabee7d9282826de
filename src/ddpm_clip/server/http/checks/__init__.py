"""What is done with every request and response, before and after any route.

- `guard`: host, origin and key of every request
- `headers`: what every response carries: security headers, an id, its time
- `room`: refuses requests to paint at once while the queue is full
"""
