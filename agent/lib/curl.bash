# curl's own configuration files: they hold the token, so that no command line does. Written when settings are read.

CA_QUICK=1 # whether single certificates may be looked up instead of reading the whole bundle
MANY=''    # batches that one curl takes

# Writes run/curl.j and run/curl.z (a batch as it is, a packed one) and run/curl.get (the desired configuration).
curl_configure() {
  local common batch
  curl_certificates
  common="header = \"Authorization: Bearer ${CFG[TOKEN]}\""$'\n'"user-agent = \"clawpulse-agent/$VERSION\""$'\n'
  common+="max-time = ${CFG[TIMEOUT_SECONDS]}"$'\n'"$REPLY"$'silent\nshow-error\nhttp1.1\nmax-filesize = 1048576\n'
  batch="url = \"${CFG[URL]}/v1/batches\""$'\n'"$common"$'header = "Content-Type: application/json"\nheader = "Expect:"\ninclude\n'
  batch+='write-out = "\n@@ %{http_code} ."'$'\n'
  write_file "$RUN/curl.j" "$batch" &&
    write_file "$RUN/curl.z" "$batch"$'header = "Content-Encoding: gzip"\n' &&
    write_file "$RUN/curl.get" "url = \"${CFG[URL]}/v1/config?agent=${CFG[AGENT]}\""$'\n'"$common" ||
    { tell disk "cannot write to $RUN: is the disk full?"; return 1; }
}

# REPLY is the lines about certificates. Reading a bundle of 140 takes three times as long as all else that curl does, so where
# OpenSSL finds single ones by their hash, the bundle is replaced by one of them. The trust is the same; so is every check.
curl_certificates() {
  local -a single=()
  REPLY=''
  if [[ -n ${CFG[CACERT]} ]]; then
    REPLY="cacert = \"${CFG[CACERT]}\""$'\n'
  elif [[ ${CFG[URL]} == https:* && -n $CA_QUICK && -z ${CURL_CA_BUNDLE-}${SSL_CERT_FILE-}${SSL_CERT_DIR-} ]]; then
    single=(/etc/ssl/certs/[0-9a-f][0-9a-f]*.0)
    [[ -s ${single[0]} && $(curl -q --version 2>/dev/null) == *OpenSSL* ]] || return 0
    REPLY="cacert = \"${single[0]}\""$'\ncapath = "/etc/ssl/certs"\n'
  fi
}

# Whether a fault may come from looking certificates up one by one: then it is not done again.
curl_doubt_certificates() {
  [[ -n $CA_QUICK && ( $1 == 60 || $1 == 77 ) && -z ${CFG[CACERT]} ]] || return 1
  CA_QUICK=''
  curl_configure || :
}

# Sets MANY: old ones cannot stop at the first fault, and then get one batch at a time.
curl_many() {
  [[ -z $MANY ]] || return 0
  MANY=1
  ! curl -q --fail-early --version >/dev/null 2>&1 || MANY=16
}
