# Usage: clawpulse-agent metric NAME VALUE [--tag KEY=VALUE]... [--time MS]
# Hands one value to the agent of this host. In scripts, `source clawpulse.sh` and cp_metric do the same without a new process.

# Usage: clawpulse-agent event NAME [--tag KEY=VALUE]... [--payload JSON] [--time MS]
# Hands one event to the agent of this host.

cmd_metric() {
  record_functions
  cp_metric "$@"
}

cmd_event() {
  record_functions
  cp_event "$@"
}
