# The spool: batches as they will be sent, byte for byte, until the server has them. A batch counts once its record is in the
# journal; it is done when its file is empty or gone.

SPOOL_SIZE=0 # bytes on disk, in whole blocks
NEXT=0       # index of the next batch in QUEUE
SEQ=0
declare -a GARBAGE=()

# Takes over what the journal says is here, and removes what it does not know.
spool_open() {
  local i name file
  local -A known=()
  for i in "${!QUEUE[@]}"; do
    name=${QUEUE[i]%% *}
    if [[ -s $SPOOL/$name ]]; then
      known[$name]=1
      spool_field "$i" 4
      SPOOL_SIZE=$((SPOOL_SIZE + REPLY))
    else
      unset "QUEUE[$i]"
    fi
    NEXT=$((i + 1))
  done
  for file in "$SPOOL"/*; do
    [[ ! -f $file || -n ${known[${file##*/}]-} ]] || GARBAGE+=("$file")
  done
  spool_sweep 1
}

# spool_field INDEX PLACE: REPLY is a word of the entry: 1 name, 2 points, 3 carried, 4 size, 5 time.
spool_field() {
  # shellcheck disable=SC2086  # words on purpose
  set -- "$2" ${QUEUE[$1]}
  REPLY=${*:$1+1:1}
}

# spool_put JSON POINTS USER CARRIED NUMBER:LINES...: fails when the disk is full; then nothing has happened.
# A user's points are on the disk before the lines they come from count as used up, and that is on the disk before they are sent.
spool_put() {
  local json=$1 points=$2 user=$3 carried=$4 name=$EPOCH.$SEQ.j size
  shift 4
  ((${#json} < 2000)) || name=$EPOCH.$SEQ.z
  spool_write "$json" "$SPOOL/$name" && size=$(((REPLY + 4095) / 4096 * 4096)) &&
    { ((user == 0)) || sync "$SPOOL/$name"; } &&
    journal_append C "$name" "$points" "$carried" "$size" "$NOW" "$REJECTED" "$@" || { spool_empty "$name"; return 1; }
  ((user == 0)) || sync "$JOURNAL" || :
  QUEUE[NEXT]="$name $points $carried $size $NOW"
  NEXT=$((NEXT + 1)) SEQ=$((SEQ + 1)) SPOOL_SIZE=$((SPOOL_SIZE + size))
  DROPPED=$((DROPPED - carried)) REJECTED=0
}

# Short ones travel in one packet as they are; the rest is packed. REPLY is the length of the file.
spool_write() {
  local failed=0
  { exec 7>"$2"; } 2>/dev/null || return 1
  if [[ $2 == *.j ]]; then
    { printf '%s' "$1" >&7; } 2>/dev/null || failed=1
  else
    printf '%s' "$1" | gzip -c >&7 2>/dev/null || failed=1
  fi
  read -r _ REPLY </proc/self/fdinfo/7
  exec 7>&-
  return "$failed"
}

# spool_done INDEX: the server has the batch, or will never take it.
spool_done() {
  local name=${QUEUE[$1]%% *}
  spool_field "$1" 4
  SPOOL_SIZE=$((SPOOL_SIZE - REPLY))
  unset "QUEUE[$1]"
  # Emptied now, without a fork; removed later with others.
  spool_empty "$name"
  GARBAGE+=("$SPOOL/$name")
}

spool_empty() {
  { : >"$SPOOL/$1"; } 2>/dev/null || :
}

# spool_drop INDEX: gives a batch up and counts its points, with those it would have reported as dropped.
spool_drop() {
  local points carried
  spool_field "$1" 2
  points=$REPLY
  spool_field "$1" 3
  carried=$REPLY
  journal_append X "${QUEUE[$1]%% *}" $((points + carried)) || return 1
  DROPPED=$((DROPPED + points + carried))
  spool_done "$1"
}

# Gives up the oldest while there is more than may be.
spool_bound() {
  local i
  ((SPOOL_SIZE > CFG[SPOOL_BYTES])) || return 0
  for i in "${!QUEUE[@]}"; do
    ((SPOOL_SIZE > CFG[SPOOL_BYTES])) || return 0
    tell spool 'the spool is full: the oldest batches are dropped; clawpulse.dropped counts their points'
    spool_drop "$i" || return 0
  done
}

# spool_sweep MANY: removes emptied files when there are so many.
spool_sweep() {
  local i
  ((${#GARBAGE[@]} >= $1)) || return 0
  for ((i = 0; i < ${#GARBAGE[@]}; i += 500)); do
    rm -f -- "${GARBAGE[@]:i:500}" || return 0
  done
  GARBAGE=()
}
