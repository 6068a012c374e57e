# The journal: what became of lines and batches. One record a line, appended in one write() and ended by " .", so that a record is
# there or not, whenever the agent is killed. What the agent knows at a start is what these records add up to.
#
#   C name points carried size time rejected number:lines ...   a batch is in the spool; so many lines of intake files are used up
#   X name amount        a batch was dropped; so many points have to be reported
#   L amount             so many points were lost otherwise
#   J amount             so many points were refused by the server
#   R number             a taken file is used up
#   T inode offset path  a log file was read up to there
#   S live dropped rejected      a fresh journal begins with what the old one came to
#   U number lines               likewise: lines used up of a file

JOURNAL_RECORDS=0
JOURNAL_TORN=''
LIVE=1     # number of the file that writers append to
DROPPED=0  # points that were lost and not reported yet
REJECTED=0 # points that the server refused, not reported yet
declare -a USED=()  # lines used up, by number of file; -1: all
declare -a QUEUE=() # batches in the spool, oldest first: "name points carried size time"
declare -A TAIL=()  # "inode offset" of log files

_RECORD='^(C [a-z0-9.]+( [0-9]+){5}( [0-9]+:[0-9]+)*|X [a-z0-9.]+ [0-9]+|[LJR] [0-9]+|S [0-9]+ -?[0-9]+ -?[0-9]+|U [0-9]+ -?[0-9]+) \.$'
_TAIL_RECORD='^T ([0-9]+ [0-9]+) (.+) \.$'

# Fails when the disk is full; then half a record may be there, which the next one keeps apart from.
journal_append() {
  if { printf '%s%s .\n' "$JOURNAL_TORN" "$*" >>"$JOURNAL"; } 2>/dev/null; then
    JOURNAL_TORN=''
    JOURNAL_RECORDS=$((JOURNAL_RECORDS + 1))
  else
    JOURNAL_TORN=$'\n'
    return 1
  fi
}

# Adds up the journal. What is no record is left out: the half one of a crash.
journal_read() {
  local -A place=()
  local line next=0
  [[ -e $JOURNAL ]] || return 0
  while IFS= read -r line; do
    if [[ $line =~ $_RECORD ]]; then
      # shellcheck disable=SC2086  # words on purpose; the pattern has no wildcards
      journal_apply ${line% .}
    elif [[ $line =~ $_TAIL_RECORD ]]; then
      TAIL[${BASH_REMATCH[2]}]=${BASH_REMATCH[1]}
    fi
  done <"$JOURNAL"
}

journal_apply() {
  case $1 in
    C) journal_apply_batch "$@" ;;
    X)
      DROPPED=$((DROPPED + $3))
      [[ -z ${place[$2]-} ]] || unset "QUEUE[${place[$2]}]"
      ;;
    L) DROPPED=$((DROPPED + $2)) ;;
    J) REJECTED=$((REJECTED + $2)) ;;
    R)
      USED[$2]=-1
      ((LIVE > $2)) || LIVE=$(($2 + 1))
      ;;
    S) LIVE=$2 DROPPED=$3 REJECTED=$4 ;;
    U) USED[$2]=$3 ;;
  esac
}

journal_apply_batch() {
  local used
  QUEUE[next]="$2 $3 $4 $5 $6"
  place[$2]=$next
  next=$((next + 1))
  DROPPED=$((DROPPED - $4))
  REJECTED=$((REJECTED - $7))
  for used in "${@:8}"; do
    USED[${used%:*}]=${used#*:}
    ((LIVE > ${used%:*})) || LIVE=${used%:*}
  done
}

# Replaces the journal by what it comes to; fails, and keeps the old one, when the disk is full.
journal_compact() {
  { journal_print >"$JOURNAL.new"; } 2>/dev/null && sync "$JOURNAL.new" && mv -f -- "$JOURNAL.new" "$JOURNAL" || return 1
  JOURNAL_RECORDS=0 JOURNAL_TORN=''
}

journal_print() {
  local i path rest text="S $LIVE $DROPPED $REJECTED ."$'\n'
  for i in "${!USED[@]}"; do text+="U $i ${USED[i]} ."$'\n'; done
  for path in "${!TAIL[@]}"; do text+="T ${TAIL[$path]} $path ."$'\n'; done
  for i in "${!QUEUE[@]}"; do
    # S has a batch's carried count subtracted; reading the batch subtracts it once more.
    rest=${QUEUE[i]#* * }
    text+="L ${rest%% *} ."$'\n'"C ${QUEUE[i]} 0 ."$'\n'
  done
  printf '%s' "$text"
}
