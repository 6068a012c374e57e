"""What the open-source REST API gateway lacks: token authorizers, gateway responses, binary bodies, the source of API keys."""
