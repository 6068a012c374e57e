# Turns lines of the intake into batches (sdk/WIRE.md), for mawk, gawk and busybox, in LC_ALL=C: texts are bytes here.
#
# Operands: n=NUMBER skip=LINES file ... ; `skip` lines of a file were used before. The last line of a file waits for the next
# run: nobody knows whether its writer is done. CP_* in the environment hold the rest (lib/intake.bash).
# Prints two lines a batch: "length points user carried number:lines ...", then its JSON; at last "end number:lines:rest ... [more]".
#   length: bytes of the JSON. points: how many are in it. user: those that are not the agent's own gauges. carried: what it reports as dropped.
#   number:lines: so many are used up; at the end: so many there are. rest: 1 if the last one is not empty.

BEGIN {
  now = ENVIRON["CP_NOW"] + 0
  carried = ENVIRON["CP_DROPPED"] + 0
  rejected = ENVIRON["CP_REJECTED"] + 0
  seq = ENVIRON["CP_SEQ"] + 0
  max_batches = ENVIRON["CP_BATCHES"] + 0
  day = 86400000
  ahead = 600000
  split(ENVIRON["CP_ATTRIBUTES"], list, ",")
  for (i in list) is_attribute[list[i]] = 1
  reset()
}

FNR == 1 { held = 0; files[++file_count] = n }
held && held_at > skip { take(held_line); if (stopped) exit }
{ held_line = $0; held_at = FNR; held = 1; total[n] = FNR; rest[n] = $0 != "" }

END {
  if (!stopped && (lines || !batches)) emit()
  line = "end"
  for (i = 1; i <= file_count; i++) line = line " " files[i] ":" total[files[i]] + 0 ":" rest[files[i]] + 0
  print line (stopped ? " more" : "")
}

# One line becomes a point of the batch, or the next batch begins with it.
function take(line,  f, nf, kind) {
  nf = split(utf8(line), f, "\t")
  kind = f[1]
  if (nf >= 4 && (kind == "m" || kind == "g" || kind == "e") && f[3] ~ /^[A-Za-z_][A-Za-z0-9_.\/-]*$/ && length(f[3]) <= 128 && f[2] ~ /^[0-9]+$/ && length(f[2]) <= 14)
    point(kind, f, nf)
  else if (nf > 0)
    point("", f, nf)
  if (stopped) return
  used[n] = held_at
  if (nf > 0) lines++
}

function point(kind, f, nf,  time, value, minute) {
  faults = 0
  task = ""
  time = f[2] + 0
  if (time > now + ahead) time = now
  value = kind == "" ? "" : kind == "e" ? payload(f[4]) : number(f[4])
  if (kind == "" || (kind != "e" && value == "")) { make_room("", 0, 0); invalid++; return }
  if (time < now - day) { make_room("", 0, 0); old++; return }
  tags(f, nf)
  minute = int(time / 60000)
  make_room(f[3] "\t" tag_json, minute, length(tag_json) + length(value) + 2 * attribute_bytes + 200)
  if (stopped) return
  invalid += faults
  note_minute(minute)
  if (kind != "g") user++
  add(kind == "e" ? "e" : "m", f[3], sprintf("%.0f", time - now), value)
}

# Ends the batch if the next point does not fit into it any more. A task begins only where there is room for more of it: what it used
# and what it cost are only known to belong together within a batch.
function make_room(name_and_tags, minute, size,  spare) {
  spare = task != "" && !(task in tasks)
  if (points >= 990 - 90 * spare || bytes + size > 900000 - 60000 * spare || (spare && series_count >= 85) \
      || (name_and_tags != "" && !(name_and_tags in known) && series_count >= 97) \
      || (minute && first_minute && (max(minute, last_minute) - min(minute, first_minute) > 290 - 10 * spare))) {
    emit()
    if (batches >= max_batches) { stopped = 1; return }
  }
  if (task != "") tasks[task] = 1
  if (name_and_tags != "" && !(name_and_tags in known)) { known[name_and_tags] = 1; series_count++ }
}

function note_minute(minute) {
  first_minute = first_minute ? min(minute, first_minute) : minute
  last_minute = max(minute, last_minute)
}

# A point into the columns of those that have its name, its tags and the same attributes, so that no column has holes.
function add(kind, name, time, value,  key, e, i, cell) {
  key = kind "\t" name "\t" tag_json "\t" attribute_keys "\t" (kind == "e" && value != "")
  if (!(key in entry)) {
    entry[key] = e = ++entries
    entry_kind[e] = kind; entry_name[e] = name; entry_tags[e] = tag_json
    entry_attributes[e] = attribute_keys; times[e] = time; values[e] = value
    bytes += length(name) + length(tag_json) + length(attribute_keys) + 200
  } else {
    e = entry[key]
    times[e] = times[e] "," time; values[e] = values[e] "," value
  }
  for (i = 1; i <= attribute_count; i++) {
    cell = quote(attribute[i])
    # Not in one expression: some awks make the element before they ask whether it is there.
    if ((e, i) in column) column[e, i] = column[e, i] "," cell
    else column[e, i] = cell
    bytes += length(cell) + 1
  }
  bytes += length(time) + length(value) + 2
  points++
}

# Reads tags into tag_json (what makes a series) and attribute[], attribute_keys, attribute_bytes (what is unique to a task).
function tags(f, nf,  i, p, key, text, count, names, texts, at, seen) {
  tag_json = attribute_keys = task = ""
  attribute_count = attribute_bytes = count = 0
  split("", seen)
  for (i = 5; i <= nf; i++) {
    p = index(f[i], "=")
    key = substr(f[i], 1, p - 1)
    text = clip(substr(f[i], p + 1), 256)
    if (p < 2 || text == "" || length(key) > 64 || key !~ /^[A-Za-z_][A-Za-z0-9_.-]*$/) { faults++; continue }
    if (key in seen) { texts[seen[key]] = text; continue }
    if (count >= 20) { faults++; continue }
    seen[key] = ++count
    names[count] = key
    texts[count] = text
  }
  for (i = 1; i <= count; i++) {
    if (names[i] == "task_id") task = texts[i]
    if (names[i] in is_attribute) {
      attribute[++attribute_count] = texts[i]
      attribute_keys = attribute_keys (attribute_keys == "" ? "" : ",") names[i]
      attribute_bytes += length(texts[i]) + length(names[i]) + 8
    } else
      tag_json = tag_json (tag_json == "" ? "" : ",") quote(names[i]) ":" quote(texts[i])
  }
}

# Prints the batch and begins the next one.
function emit(  i, line, series, events, json) {
  carried += old
  own("clawpulse.dropped", carried)
  own("clawpulse.invalid", invalid)
  own("clawpulse.rejected", rejected)
  for (i = 1; i <= entries; i++) {
    line = columns(i)
    if (entry_kind[i] == "e") events = events (events == "" ? "" : ",") line
    else series = series (series == "" ? "" : ",") line
  }
  json = "{" head() (series == "" ? "" : ",\"series\":[" series "]") (events == "" ? "" : ",\"events\":[" events "]") "}"
  line = length(json) " " points + 0 " " user + 0 " " carried
  for (i in used) line = line " " i ":" used[i]
  print line
  print json
  seq++; batches++
  carried = rejected = 0
  reset()
}

function columns(i,  text, list, count, j) {
  text = "{\"name\":" quote(entry_name[i]) (entry_tags[i] == "" ? "" : ",\"tags\":{" entry_tags[i] "}") ",\"times\":[" times[i] "]"
  if (entry_kind[i] != "e") text = text ",\"values\":[" values[i] "]"
  else if (values[i] != "" && values[i] !~ /^,/) text = text ",\"payloads\":[" values[i] "]"
  count = split(entry_attributes[i], list, ",")
  for (j = 1; j <= count; j++) text = text (j == 1 ? ",\"attributes\":{" : ",") quote(list[j]) ":[" column[i, j] "]"
  return text (count ? "}}" : "}")
}

# A count of the agent's own; it is none of the batch's points. The point that begins the next batch has its tags read already.
function own(name, count,  read_tags, read_keys, read_count) {
  if (count <= 0) return
  read_tags = tag_json; read_keys = attribute_keys; read_count = attribute_count
  tag_json = attribute_keys = ""; attribute_count = 0
  add("m", name, "0", sprintf("%.0f", count))
  tag_json = read_tags; attribute_keys = read_keys; attribute_count = read_count
  points--
}

function reset() {
  points = user = lines = bytes = old = invalid = entries = series_count = first_minute = last_minute = 0
  split("", entry); split("", known); split("", used); split("", column); split("", tasks)
}

# What the batch says of its sender.
function head(  info, config) {
  info = member("name", "CP_NAME") member("model", "CP_MODEL") member("host", "CP_HOST")
  config = member("written", "CP_WRITTEN") member("applied", "CP_APPLIED") member("error", "CP_ERROR")
  return "\"v\":1,\"agent\":" quote(ENVIRON["CP_AGENT"]) ",\"epoch\":" quote(ENVIRON["CP_EPOCH"]) ",\"seq\":" seq \
    sprintf(",\"time\":%.0f", now) ",\"tags\":{" pairs(ENVIRON["CP_TAGS"]) "},\"info\":{" info \
    "\"versions\":{" pairs(ENVIRON["CP_VERSIONS"]) "},\"config\":{" substr(config, 1, length(config) - 1) "}" keys(ENVIRON["CP_KEYS"]) "}"
}

# Lines of provider, print, time of use and error, parted by tabs, as a member of the object.
function keys(text,  list, count, f, i, one, json) {
  count = split(text, list, "\n")
  for (i = 1; i < count; i++) {
    split(list[i], f, "\t")
    one = (f[2] == "" ? "" : ",\"fingerprint\":" quote(f[2])) (f[3] == "" ? "" : ",\"used\":" f[3]) (f[4] == "" ? "" : ",\"error\":" quote(utf8(f[4])))
    json = json (i == 1 ? "" : ",") quote(f[1]) ":{" substr(one, 2) "}"
  }
  return json == "" ? "" : ",\"keys\":{" json "}"
}

function member(key, variable,  text) {
  text = clip(utf8(ENVIRON[variable]), 256)
  return text == "" ? "" : "\"" key "\":" quote(text) ","
}

# "env=prod,tier=fast" as members of an object.
function pairs(text,  list, count, i, p, json) {
  count = split(utf8(text), list, ",")
  for (i = 1; i <= count; i++) {
    p = index(list[i], "=")
    json = json (i == 1 ? "" : ",") quote(substr(list[i], 1, p - 1)) ":" quote(clip(substr(list[i], p + 1), 256))
  }
  return json
}

# The text as a JSON number, or "" if it is none.
function number(text) {
  if (text !~ /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$/) return ""
  if (text + 0 > 1e290 || text + 0 < -1e290) return ""
  if (length(text) <= 24 && text ~ /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/) return text
  return sprintf("%.17g", text + 0)
}

# The payload if it is a JSON object of a size that may travel; else none, which counts as a fault.
function payload(text) {
  if (text == "") return ""
  if (length(text) <= 4096 && is_object(text)) return text
  faults++
  return ""
}

# Checks JSON by reducing it from the inside: texts to S, other scalars to V, then innermost arrays and objects to V.
function is_object(text,  before, depth) {
  if (text !~ /^ *[{]/) return 0
  if (text ~ /[SV]/) text = without_letters(text)
  gsub(/"([^"\\]|\\["\\\/bfnrt]|\\u[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f])*"/, "S", text)
  if (text ~ /["\\]/) return 0
  gsub(/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/, "V", text)
  gsub(/true|false|null/, "V", text)
  gsub(/ /, "", text)
  if (text ~ /[^SV{}\[\]:,]/) return 0
  depth = 0
  do {
    if (++depth > 64) return 0
    before = length(text)
    gsub(/\[\]|[{][}]|\[[SV](,[SV])*\]|[{]S:[SV](,S:[SV])*[}]/, "V", text)
  } while (length(text) < before)
  return text == "V"
}

# Letters that stand for tokens above, made harmless: inside of texts they may be anything, outside they are wrong either way.
function without_letters(text) {
  gsub(/[SV]/, "x", text)
  return text
}

function quote(text,  out) {
  while (match(text, /["\\]/)) {
    out = out substr(text, 1, RSTART - 1) "\\" substr(text, RSTART, 1)
    text = substr(text, RSTART + 1)
  }
  return "\"" out text "\""
}

# Control characters (but tabs, which part fields) become spaces, bytes that are no UTF-8 the replacement character.
function utf8(text,  out) {
  gsub(/[\001-\010\012-\037\177]/, " ", text)
  if (text !~ /[\200-\377]/) return text
  gsub(/\302[\200-\237]/, " ", text)
  while (text != "") {
    if (match(text, /^([\001-\177]|[\302-\337][\200-\277]|\340[\240-\277][\200-\277]|[\341-\354\356\357][\200-\277][\200-\277]|\355[\200-\237][\200-\277]|\360[\220-\277][\200-\277][\200-\277]|[\361-\363][\200-\277][\200-\277][\200-\277]|\364[\200-\217][\200-\277][\200-\277])+/)) {
      out = out substr(text, 1, RLENGTH)
      text = substr(text, RLENGTH + 1)
    } else {
      out = out "\357\277\275"
      text = substr(text, 2)
    }
  }
  return out
}

# At most so many characters of a text of good UTF-8.
function clip(text, most,  i, count) {
  if (length(text) <= most) return text
  for (i = 1; i <= length(text); i++)
    if (substr(text, i, 1) !~ /[\200-\277]/ && ++count > most) return substr(text, 1, i - 1)
  return text
}

function min(a, b) { return a < b ? a : b }
function max(a, b) { return a > b ? a : b }
