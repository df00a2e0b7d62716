#!/bin/sh
# Renews a certificate of the authority of `aiops demo`: leaves a request where the authority looks for it, and waits for the
# answer. Exits with 0 when a new certificate is in place, with 1 when it is not, with 2 when it was called wrongly.
set -eu

certificate=${1:-}
if [ $# -ne 1 ] || [ ! -f "$certificate" ]; then
  echo "renew-certificate: there is no file '$certificate'; usage: renew-certificate CERTIFICATE" >&2
  exit 2
fi

home=$(cd "$(dirname "$0")/.." && pwd)
request="$home/authority/requests/$$"

# Of an earlier process with this number that nobody waited for.
rm -f "$request.answer"
# The name under which it is looked for comes last, so that nobody reads half of it.
printf '%s\n' "$certificate" > "$request.new"
mv "$request.new" "$request.request"
echo "asked the authority for a new certificate for $certificate"

tries=0
until [ -f "$request.answer" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ]; then
    rm -f "$request.request"
    echo "renew-certificate: the authority did not answer within 10 seconds; nothing was changed" >&2
    exit 1
  fi
  sleep 0.1
done

answer=$(cat "$request.answer")
rm -f "$request.answer"
echo "$answer"
case $answer in
  issued*) exit 0 ;;
  *) exit 1 ;;
esac
