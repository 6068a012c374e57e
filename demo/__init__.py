"""The demo: a simulated fleet that reports over HTTP through the real SDK, and checks that the API shows what it sent."""
