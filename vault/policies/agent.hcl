# Of the agents of a workspace: they read the workspace's keys, and write nothing.
path "@MOUNT@/data/@WORKSPACE@/keys/+/current" {
  capabilities = ["read"]
}
path "@MOUNT@/data/@WORKSPACE@/keys/+/next" {
  capabilities = ["read"]
}
path "@MOUNT@/data/@WORKSPACE@/keys/+/old" {
  capabilities = ["read"]
}
path "@MOUNT@/data/@WORKSPACE@/salt" {
  capabilities = ["read"]
}
