# Of the agents of one shard with keys of its own: they read those, not the workspace's, and write nothing.
path "@MOUNT@/data/@WORKSPACE@/shards/@SHARD@/keys/+/current" {
  capabilities = ["read"]
}
path "@MOUNT@/data/@WORKSPACE@/shards/@SHARD@/keys/+/next" {
  capabilities = ["read"]
}
path "@MOUNT@/data/@WORKSPACE@/shards/@SHARD@/keys/+/old" {
  capabilities = ["read"]
}
path "@MOUNT@/data/@WORKSPACE@/salt" {
  capabilities = ["read"]
}
