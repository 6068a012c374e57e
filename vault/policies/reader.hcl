# Of the API: it reads the workspace's keys for agents without a Vault login, and lets new ones wait for their rotation.
path "@MOUNT@/data/@WORKSPACE@/keys/+/+" {
  capabilities = ["read"]
}
path "@MOUNT@/data/@WORKSPACE@/shards/+/keys/+/+" {
  capabilities = ["read"]
}
path "@MOUNT@/data/@WORKSPACE@/keys-incoming/+" {
  capabilities = ["create", "read", "update"]
}
path "@MOUNT@/metadata/@WORKSPACE@/keys-incoming/+" {
  capabilities = ["delete"]
}
path "@MOUNT@/data/@WORKSPACE@/salt" {
  capabilities = ["create", "read", "update"]
}
# What people put there: keys to be rotated in, secrets of channels and of providers' admin APIs.
path "@MOUNT@/data/@WORKSPACE@/*" {
  capabilities = ["read"]
}
path "@MOUNT@/data/clawpulse/@WORKSPACE@/*" {
  capabilities = ["read"]
}
