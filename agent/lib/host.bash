# The host's own gauges, read from /proc without forks. They become lines of the intake, of the kind g: a metric of the agent itself.

GAUGES=''
CPU_TOTAL=''
CPU_IDLE=''
DISK_AT=0
DISK_USED=''

# gauge NAME VALUE [KEY=VALUE]
gauge() {
  GAUGES+=g$'\t'$NOW$'\t'$1$'\t'$2${3:+$'\t'$3}$'\n'
}

host_sample() {
  host_cpu
  host_memory
  host_load
  host_disk
}

# Percent of all cores since the last time.
host_cpu() {
  local user nice system idle iowait irq softirq steal total was=$CPU_TOTAL part
  read -r _ user nice system idle iowait irq softirq steal _ </proc/stat
  total=$((user + nice + system + idle + iowait + irq + softirq + steal))
  idle=$((idle + iowait))
  if [[ -n $was ]] && ((total > was && idle >= CPU_IDLE)); then
    part=$((1000 * (total - was - idle + CPU_IDLE) / (total - was)))
    gauge agent.cpu "$((part / 10)).$((part % 10))"
  fi
  CPU_TOTAL=$total CPU_IDLE=$idle
}

# Percent of the memory that could not be had by a new process.
host_memory() {
  local key value total='' part
  while read -r key value _; do
    case $key in
      MemTotal:) total=$value ;;
      MemAvailable:)
        part=$((1000 * (total - value) / total))
        gauge agent.memory "$((part / 10)).$((part % 10))"
        return
        ;;
    esac
  done </proc/meminfo
}

host_load() {
  local load
  read -r load _ </proc/loadavg
  gauge agent.load "$load"
  gauge agent.uptime_s $((UPTIME / 1000))
}

# Percent of the file system at CLAWPULSE_DISK; asked once a minute, as it takes a fork.
host_disk() {
  local text used available
  if [[ -z $DISK_USED ]] || ((UPTIME - DISK_AT >= 60000)); then
    DISK_AT=$UPTIME
    text=$(df -kP -- "${CFG[DISK]}" 2>/dev/null) || text=''
    [[ ! $text =~ [[:space:]]([0-9]+)[[:space:]]+([0-9]+)[[:space:]]+[0-9]+% ]] || {
      used=${BASH_REMATCH[1]} available=${BASH_REMATCH[2]}
      DISK_USED=$((used + available > 0 ? 100 * used / (used + available) : 0))
    }
  fi
  [[ -z $DISK_USED ]] || gauge agent.disk "$DISK_USED"
}
