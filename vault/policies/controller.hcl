# Of the functions that rotate: all that they write are the workspace's keys.
path "@MOUNT@/data/@WORKSPACE@/keys/*" {
  capabilities = ["create", "read", "update"]
}
path "@MOUNT@/data/@WORKSPACE@/shards/+/keys/*" {
  capabilities = ["create", "read", "update"]
}
# So that Vault keeps no version but the newest, and takes no write without `cas`.
path "@MOUNT@/metadata/@WORKSPACE@/keys/*" {
  capabilities = ["create", "update"]
}
path "@MOUNT@/metadata/@WORKSPACE@/shards/+/keys/*" {
  capabilities = ["create", "update"]
}
# Keys that wait for their rotation: taken from here, then destroyed.
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
