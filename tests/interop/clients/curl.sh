#!/bin/sh
# A client by curl, with its cookie file: a new user's first minutes. The upload is large enough for
# curl to ask first (Expect: 100-continue). Prints each step with its status, as JSON.
# See `test_clients.py` for what it is told.
set -eu
steps=

call() {
    step=$1 path=$2
    shift 2
    status=$("$CURL" --silent --show-error --http1.1 --max-time 20 --output answer \
        --write-out '%{http_code}' --cookie cookies --cookie-jar cookies \
        --user-agent "$USER_AGENT" --header "X-Odd: $(printf '%07000d' 0)" "$@" "$GATEWAY$path")
    steps="$steps${steps:+, }[\"$step\", $status]"
}

value() {
    sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" answer
}

call 'sign up' /identity/users -d "email=$EMAIL" -d "password=$PASSWORD"
until [ -s "$TOKEN_FILE" ]; do sleep 0.05; done
call confirm /identity/users/email/confirm_code --data-urlencode "token@$TOKEN_FILE"
call 'log in' /identity/sessions -d "email=$EMAIL" -d "password=$PASSWORD"
csrf=$(value csrf_token)
call 'label without token' /resource/labels -d key=client -d value=curl
call label /resource/labels -H "X-CSRF-Token: $csrf" -d key=client -d value=curl
call upload /resource/documents -H "X-CSRF-Token: $csrf" -H 'Expect: 100-continue' \
    -F doc_type=Passport -F 'doc_number=AA 1234' -F doc_expire=3020-01-22 \
    -F "upload[]=@$UPLOAD;filename=passport.png;type=image/png"
call download "/$(value url | sed "s#^[a-z]*://[^/]*##; s#^/##")"
digest=$(sha256sum <answer | cut -d' ' -f1)
call me /resource/users/me
email=$(value email)
call 'log out' /identity/sessions -X DELETE -H "X-CSRF-Token: $csrf"
echo "{\"steps\": [$steps], \"email\": \"$email\", \"digest\": \"$digest\"}"
