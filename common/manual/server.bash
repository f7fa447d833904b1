# Completion for bash, of server-proc and server-thread: options and what their values are, asked of --help
# when the key is pressed, so that nothing here can be out of date.
#
#   . common/manual/server.bash       or install it as …/bash-completion/completions/server-proc

# _tandem_options PROGRAM: an option on each line, then what its value is called, if it takes one.
_tandem_options() {
    "$1" --help 2>/dev/null |
        sed -n -e 's/^  --\([a-z0-9-]*\) \([^ ]\{1,\}\).*/--\1 \2/p' -e 's/^  --\([a-z0-9-]*\)  .*/--\1/p'
}

# _tandem_offer CURRENT WORDS…: those that begin with it.
_tandem_offer() {
    local current=$1 word
    shift
    for word in "$@"; do
        case $word in "$current"*) COMPREPLY+=("$word") ;; esac
    done
}

# _tandem_files CURRENT [-d]: names of files, or of folders, that begin with it.
_tandem_files() {
    local file
    compopt -o filenames 2>/dev/null
    while IFS= read -r file; do
        COMPREPLY+=("$file")
    done < <(compgen "${2--f}" -- "$1")
}

# _tandem_value CALLED CURRENT: "FILE|-|off" offers files and words, "pool|fresh" words.
_tandem_value() {
    local words
    case $1 in
    DIR) _tandem_files "$2" -d ;;
    FILE*) _tandem_files "$2" ;;
    NAME) while IFS= read -r words; do COMPREPLY+=("$words"); done < <(compgen -u -- "$2") ;;
    esac
    case $1 in
    *'|'*)
        IFS='|' read -ra words <<<"${1#FILE|}"
        _tandem_offer "$2" "${words[@]}"
        ;;
    esac
}

_tandem_server() {
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous name called
    local before=$((COMP_CWORD - 1))
    local -A options=()
    COMPREPLY=()
    while read -r name called; do
        options[$name]=$called
    done < <(_tandem_options "$program")
    # Bash takes --option=value for three words.
    [ "$current" = '=' ] && current=
    [ "${COMP_WORDS[before]}" = '=' ] && before=$((before - 1))
    previous=${COMP_WORDS[before]}
    if [ "$before" -gt 0 ] && [ -n "${options[$previous]-}" ]; then
        _tandem_value "${options[$previous]}" "$current"
    else
        _tandem_offer "$current" "${!options[@]}"
    fi
    return 0
}

complete -F _tandem_server server-proc server-thread
