# Log files: new lines that match CLAWPULSE_LOG_PATTERN are counted in agent.log_errors, and the first ten of a minute become events.
# A file is followed when it is rotated or cut. Where it was read up to stands in the journal, written after the points: a kill
# between the two repeats them, and loses none.

LOG_EVENTS=0
LOG_MINUTE=0
LOG_BULK=200 # new lines from which on awk reads them
declare -a LOG_PATHS=() LOG_FDS=() LOG_INODES=() LOG_PARTS=()

# The files of CLAWPULSE_LOGS, parted by commas.
logs_open() {
  local path IFS=, i
  for i in "${!LOG_FDS[@]}"; do logs_detach "$i"; done
  LOG_PATHS=() LOG_FDS=() LOG_INODES=() LOG_PARTS=()
  for path in ${CFG[LOGS]}; do
    LOG_FDS[${#LOG_PATHS[@]}]=''
    LOG_PATHS+=("$path")
  done
}

logs_scan() {
  local i path
  if ((UPTIME - LOG_MINUTE >= 60000)); then LOG_MINUTE=$UPTIME LOG_EVENTS=0; fi
  for i in "${!LOG_PATHS[@]}"; do
    if [[ -n ${LOG_FDS[i]} ]]; then
      logs_read "$i"
      logs_replaced "$i" || continue
      logs_detach "$i"
      path=${LOG_PATHS[i]}
      # shellcheck disable=SC2004  # TAIL goes by texts
      TAIL[$path]='0 0'
    fi
    if logs_attach "$i"; then logs_read "$i"; fi
  done
}

# Whether the path leads to another file now, or the same one was cut; what stood in it was read just before.
logs_replaced() {
  local path=${LOG_PATHS[$1]} fd=${LOG_FDS[$1]} size
  [[ $path -ef /proc/self/fd/$fd ]] || return 0
  # Only a file that was written to and gave no line is asked for its size, which takes a fork.
  [[ $path -nt $RUN/log.$1 ]] || return 1
  { : >"$RUN/log.$1"; } 2>/dev/null || :
  size=$(stat -L -c %s -- "$path" 2>/dev/null) || return 1
  logs_position "$fd"
  ((size < REPLY))
}

# Opens a file: where it was left if it is the same; at its beginning if it came in the place of another; at its end if it is new to us.
logs_attach() {
  local path=${LOG_PATHS[$1]} known=${TAIL[${LOG_PATHS[$1]}]-} fd inode size offset=0
  [[ -f $path && -r $path ]] || return 1
  inode=$(stat -L -c '%i %s' -- "$path" 2>/dev/null) || return 1
  size=${inode#* } inode=${inode% *}
  if [[ -z $known ]]; then
    offset=$size
  elif [[ $known == "$inode "* ]] && ((${known#* } <= size)); then
    offset=${known#* }
  fi
  { exec {fd}<"$path"; } 2>/dev/null || return 1
  LOG_FDS[$1]=$fd LOG_INODES[$1]=$inode LOG_PARTS[$1]=''
  logs_skip "$fd" "$offset"
  logs_remember "$1"
}

logs_detach() {
  local fd=${LOG_FDS[$1]}
  [[ -z $fd ]] || exec {fd}<&-
  LOG_FDS[$1]=''
}

# logs_skip FD BYTES: moves on. The child shares our place in the file.
logs_skip() {
  (($2 == 0)) || dd bs=1 skip="$2" count=0 <&"$1" 2>/dev/null || :
}

logs_position() {
  read -r _ REPLY <"/proc/self/fdinfo/$1"
}

logs_remember() {
  logs_position "${LOG_FDS[$1]}"
  TAIL[${LOG_PATHS[$1]}]="${LOG_INODES[$1]} $((REPLY - ${#LOG_PARTS[$1]}))"
  journal_append T "${TAIL[${LOG_PATHS[$1]}]}" "${LOG_PATHS[$1]}" || :
}

# Reads what is new, and records it before the place is remembered.
logs_read() {
  local fd=${LOG_FDS[$1]} line count=0 matches=0
  while IFS= read -r line <&"$fd"; do
    count=$((count + 1))
    logs_line "${LOG_PARTS[$1]}$line" "$1"
    LOG_PARTS[$1]=''
    ((count < LOG_BULK)) || { logs_bulk "$1" && break; }
  done
  LOG_PARTS[$1]+=$line
  ((${#LOG_PARTS[$1]} < 65536)) || LOG_PARTS[$1]=''
  ((count)) || return 0
  { : >"$RUN/log.$1"; } 2>/dev/null || :
  ((matches == 0)) || gauge agent.log_errors "$matches" "file=${LOG_PATHS[$1]##*/}"
  record_flush || :
  logs_remember "$1"
}

# logs_line TEXT INDEX: counts a line that matches.
logs_line() {
  local text
  [[ $1 =~ ${CFG[LOG_PATTERN]} ]] || return 0
  matches=$((matches + 1))
  ((LOG_EVENTS < 10)) || return 0
  LOG_EVENTS=$((LOG_EVENTS + 1))
  redact "${1:0:500}"
  text=${REPLY//\\/\\\\}
  GAUGES+=e$'\t'$NOW$'\tagent.log_error\t{"line": "'${text//\"/\\\"}$'"}\t'file=${LOG_PATHS[$2]##*/}$'\n'
}

# Many lines at once: awk counts those that match and gives the first few; the last one is left when it is not whole.
logs_bulk() {
  local fd=${LOG_FDS[$1]} size text first line
  line=''
  logs_position "$fd"
  size=$(($(stat -L -c %s "/proc/self/fd/$fd") - REPLY))
  ((size > 0)) || return 0
  text=$(tail -c "+$((REPLY + 1))" "/proc/self/fd/$fd" | head -c "$size" | CP_PATTERN=${CFG[LOG_PATTERN]} CP_SIZE=$size awk '
    { bytes += length($0) + 1 }
    $0 ~ ENVIRON["CP_PATTERN"] { if (held != "" && ++count <= 10) first[count] = held; held = "x" $0; at = NR }
    END {
      whole = bytes <= ENVIRON["CP_SIZE"] + 0
      if (held != "" && (whole || at < NR) && ++count <= 10) first[count] = held
      print (whole ? bytes : bytes - length($0) - 1), count + 0
      for (i = 1; i <= count && i <= 10; i++) print substr(first[i], 2, 500)
    }')
  first=${text%%$'\n'*}
  text=${text:${#first}+1}
  logs_skip "$fd" "${first% *}"
  matches=$((matches + ${first#* }))
  while [[ -n $text ]]; do
    first=${text%%$'\n'*}
    text=${text:${#first}+1}
    matches=$((matches - 1))
    logs_line "$first" "$1"
  done
}
