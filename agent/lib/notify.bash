# systemd's watchdog. Bash cannot write to its socket itself, so systemd-notify does, three times a watchdog's period.

NOTIFIED=0

notify() {
  [[ -n ${NOTIFY_SOCKET-} ]] || return 0
  systemd-notify "$@" 2>/dev/null || :
}

notify_watchdog() {
  [[ -n ${WATCHDOG_USEC-} && -n ${NOTIFY_SOCKET-} ]] || return 0
  ((UPTIME - NOTIFIED >= WATCHDOG_USEC / 3000)) || return 0
  NOTIFIED=$UPTIME
  notify WATCHDOG=1
}
