# The OpenClaw gateway's process, from outside: /proc and its two health routes. Never its environment, its sessions or its secrets.

OPENCLAW_PID=''
OPENCLAW_BIRTH=''   # start time in clock ticks: a process id alone may be somebody else's later
OPENCLAW_TICKS=''
OPENCLAW_AT=0       # uptime of the last sample
OPENCLAW_LOOKED=''  # uptime of the last search
OPENCLAW_VERSION=''
CPU_HZ=100          # of /proc/PID/stat; Linux shows it as 100 everywhere

# Nothing is said of a host on which no gateway was ever seen and none is configured.
openclaw_sample() {
  local up=0
  if openclaw_find; then
    up=1
    openclaw_process
  fi
  if ((up)) || [[ -n $OPENCLAW_VERSION$OPENCLAW_BIRTH${CFG[OPENCLAW_PORT]} ]]; then
    gauge openclaw.up "$up"
  fi
  [[ -z ${CFG[OPENCLAW_PORT]} ]] || openclaw_health
}

openclaw_find() {
  local birth
  if [[ -n $OPENCLAW_PID ]] && process_stat "$OPENCLAW_PID" && [[ $REPLY == "$OPENCLAW_BIRTH" ]]; then
    return 0
  fi
  # Searching takes a look at every process: not at each heartbeat, and seldom where there never was a gateway.
  if [[ -n $OPENCLAW_LOOKED ]] && ((UPTIME - OPENCLAW_LOOKED < (${#OPENCLAW_BIRTH} ? 4 : 20) * CFG[HEARTBEAT_MS])); then return 1; fi
  OPENCLAW_LOOKED=$UPTIME OPENCLAW_PID='' OPENCLAW_TICKS=''
  openclaw_by_file || openclaw_by_unit || openclaw_by_name || return 1
  OPENCLAW_PID=$REPLY
  process_stat "$OPENCLAW_PID" || return 1
  birth=$REPLY
  openclaw_version
  OPENCLAW_BIRTH=$birth
}

openclaw_by_file() {
  [[ -n ${CFG[OPENCLAW_PIDFILE]} && -r ${CFG[OPENCLAW_PIDFILE]} ]] || return 1
  read -r REPLY _ <"${CFG[OPENCLAW_PIDFILE]}" || [[ -n $REPLY ]] || return 1
  [[ $REPLY =~ ^[1-9][0-9]*$ && -d /proc/$REPLY ]]
}

# The first process of the service's control group.
openclaw_by_unit() {
  local file
  for file in /sys/fs/cgroup{,/systemd}/system.slice/"${CFG[OPENCLAW_UNIT]}"/cgroup.procs \
    /sys/fs/cgroup/user.slice/user-*.slice/user@*.service/app.slice/"${CFG[OPENCLAW_UNIT]}"/cgroup.procs; do
    if [[ -r $file ]] && read -r REPLY <"$file" && [[ -n $REPLY ]]; then return 0; fi
  done
  return 1
}

# A process whose command line is like CLAWPULSE_OPENCLAW_MATCH; only those are read whose name can be one.
openclaw_by_name() {
  local directory name command
  for directory in /proc/[0-9]*; do
    { read -r name <"$directory/comm"; } 2>/dev/null || continue
    case $name in
      node* | openclaw* | MainThread) ;;
      *) continue ;;
    esac
    process_command "${directory#/proc/}"
    command=$REPLY
    # shellcheck disable=SC2053  # a pattern on purpose
    if [[ $command == *${CFG[OPENCLAW_MATCH]}* ]]; then
      REPLY=${directory#/proc/}
      return 0
    fi
  done
  return 1
}

openclaw_process() {
  local key value tenths
  local -a fds
  if [[ -n $OPENCLAW_TICKS ]] && ((UPTIME > OPENCLAW_AT)); then
    tenths=$(((TICKS - OPENCLAW_TICKS) * 1000000 / CPU_HZ / (UPTIME - OPENCLAW_AT)))
    gauge openclaw.process.cpu "$((tenths / 10)).$((tenths % 10))"
  fi
  OPENCLAW_TICKS=$TICKS OPENCLAW_AT=$UPTIME
  while read -r key value _; do
    [[ $key == VmRSS: ]] || continue
    gauge openclaw.process.memory_bytes $((value * 1024))
    break
  done 2>/dev/null <"/proc/$OPENCLAW_PID/status" || :
  gauge openclaw.process.threads "$THREADS"
  gauge openclaw.process.uptime_s $((UPTIME / 1000 - OPENCLAW_BIRTH / CPU_HZ))
  if [[ -r /proc/$OPENCLAW_PID/fd ]]; then
    fds=("/proc/$OPENCLAW_PID/fd/"*)
    gauge openclaw.process.fds "${#fds[@]}"
  fi
}

# The version stands in the package of the script that node runs.
openclaw_version() {
  local path line
  OPENCLAW_VERSION=''
  process_command "$OPENCLAW_PID"
  [[ $REPLY =~ (^|[[:space:]])(/[^[:space:]]*/openclaw)/ ]] || return 0
  path=${BASH_REMATCH[2]}/package.json
  [[ -r $path ]] || return 0
  while IFS= read -r line; do
    [[ ! $line =~ ^[[:space:]]*\"version\":[[:space:]]*\"([A-Za-z0-9._+-]+)\" ]] || { OPENCLAW_VERSION=${BASH_REMATCH[1]:0:40}; return 0; }
  done <"$path"
}

openclaw_health() {
  openclaw_get /healthz
  gauge openclaw.healthy "$REPLY"
  openclaw_get /readyz
  gauge openclaw.ready "$REPLY"
}

# openclaw_get PATH: REPLY is 1 if the gateway answers 2xx within 2 s, else 0. No curl: bash opens the connection.
openclaw_get() {
  local status=''
  REPLY=0
  { exec 8<>"/dev/tcp/127.0.0.1/${CFG[OPENCLAW_PORT]}"; } 2>/dev/null || return 0
  if { printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$1" "${CFG[OPENCLAW_PORT]}" >&8; } 2>/dev/null &&
    read -r -t 2 _ status _ <&8 && [[ $status == 2?? ]]; then
    REPLY=1
  fi
  exec 8>&-
}

# Settings may name another one.
openclaw_reset() {
  OPENCLAW_PID='' OPENCLAW_LOOKED=''
}
