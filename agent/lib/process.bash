# Other processes, as /proc shows them without forks.

# REPLY is the command line of a process, its words parted by spaces.
process_command() {
  local word
  REPLY=''
  while IFS= read -r -d '' word; do REPLY+="$word "; done 2>/dev/null <"/proc/$1/cmdline" || :
}

# REPLY is the time at which the process began. Sets TICKS (of CPU) and THREADS.
process_stat() {
  local line
  local -a f
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2206  # words on purpose; they are numbers
  f=(${line##*) })
  [[ ${f[0]} != Z ]] || return 1
  TICKS=$((f[11] + f[12])) THREADS=${f[17]} REPLY=${f[19]}
}
