# Usage: clawpulse-agent help [COMMAND]
# Lists the commands, or tells about one.

# Usage: clawpulse-agent version
# Prints the version.

# Usage: clawpulse-agent unit
# Prints the systemd unit, with __NAME__ where the installer puts paths in.

cmd_version() {
  printf '%s\n' "$VERSION"
}

cmd_unit() {
  help_unit
}

cmd_help() {
  local line shown='' command
  while IFS= read -r line; do
    if [[ $line =~ ^#\ Usage:\ clawpulse-agent\ ([a-z]+) ]]; then
      command=${BASH_REMATCH[1]}
      shown=''
      [[ -n ${1-} && $command != "${1-}" ]] || { printf '%s\n' "${line#\# Usage: }"; shown=1; }
    elif [[ -n $shown && $line == '# '* ]]; then
      printf '    %s\n' "${line#\# }"
    else
      shown=''
    fi
  done < <(help_sources)
}
