# Completion of loadtest for bash: commands, options and what their values are, asked of --help when
# the key is pressed, so that nothing here can be out of date but the names of faults.
#
#   . loadtest/completion/loadtest.bash       or install it as …/bash-completion/completions/loadtest

# What --inject knows: faults of the wire, of the server's processes, and of /fault/KIND.
_loadtest_kinds='drip half-close reset-request reset-response garbage stalled-reader
    kill-worker freeze restart reload
    segv abort exit stack-overflow heap-corruption hang spin slow deadlock leak oom race fd-leak
    fd-stray-close overread exit-holding-lock partial-write'

# Names of the commands.
_loadtest_commands() {
    "$1" --help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p'
}

# _loadtest_options PROGRAM COMMAND: an option on each line, then what its value is called, if it
# takes one.
_loadtest_options() {
    "$1" "$2" --help 2>/dev/null |
        sed -n -e 's/^  -\([A-Za-z]\), --\([a-z0-9-]*\) \([^ ]\{1,\}\).*/-\1 \3\n--\2 \3/p' \
            -e 's/^      --\([a-z0-9-]*\) \([^ ]\{1,\}\).*/--\1 \2/p' \
            -e 's/^      --\([a-z0-9-]*\)  .*/--\1/p'
}

# Names of the scenarios: where the program looks for them.
_loadtest_scenarios() {
    local program folder file
    program=$(readlink -f "$(type -P "$1")")
    for folder in "${TANDEM_SCENARIOS:-${program%/*}/scenarios}" "${program%/*}/../share/tandem/scenarios"; do
        for file in "$folder"/*.scn; do
            [ -e "$file" ] || continue
            file=${file##*/}
            echo "${file%.scn}"
        done
        [ -z "${TANDEM_SCENARIOS-}" ] || break
    done
}

# _loadtest_offer CURRENT WORDS…: those that begin with it.
_loadtest_offer() {
    local current=$1 word
    shift
    for word in "$@"; do
        case $word in "$current"*) COMPREPLY+=("$word") ;; esac
    done
}

# _loadtest_files CURRENT [PREFIX]: names of files that begin with it.
_loadtest_files() {
    local file
    compopt -o filenames 2>/dev/null
    while IFS= read -r file; do
        COMPREPLY+=("${2-}$file")
    done < <(compgen -f -- "$1")
}

# _loadtest_value PROGRAM OPTION CALLED CURRENT: what can stand as the option's value.
_loadtest_value() {
    local called=$3 current=$4
    # shellcheck disable=SC2046,SC2086 # lists of words
    case $2 in
    --arrivals) _loadtest_offer "$current" constant poisson ;;
    --scenario)
        _loadtest_offer "$current" $(_loadtest_scenarios "$1") $([ "$called" != demo ] || echo all)
        _loadtest_files "$current"
        ;;
    --inject | --inject-url | --kind) _loadtest_offer "$current" $_loadtest_kinds ;;
    *)
        case $called in
        FILE | DIR) _loadtest_files "$current" ;;
        *@FILE) case $current in @*) _loadtest_files "${current#@}" @ ;; esac ;;
        esac
        ;;
    esac
}

_loadtest() {
    local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]-} current=${COMP_WORDS[COMP_CWORD]}
    local before=$((COMP_CWORD - 1)) previous name called
    local -A options=()
    COMPREPLY=()
    # shellcheck disable=SC2046 # a list of words
    if [ "$COMP_CWORD" = 1 ]; then
        _loadtest_offer "$current" $(_loadtest_commands "$program") --help --version
        return
    fi
    while read -r name called; do
        options[$name]=$called
    done < <(_loadtest_options "$program" "$command")
    # Bash takes --option=value for three words.
    [ "$current" = '=' ] && current=
    [ "${COMP_WORDS[before]}" = '=' ] && before=$((before - 1))
    previous=${COMP_WORDS[before]}
    case $previous in
    -*) if [ -n "${options[$previous]-}" ]; then
        _loadtest_value "$program" "$previous" "${options[$previous]}" "$current"
        return
    fi ;;
    esac
    case $current in
    -*) _loadtest_offer "$current" "${!options[@]}" ;;
    *) [ "$command" = merge ] && _loadtest_files "$current" ;;
    esac
    return 0
}

complete -F _loadtest loadtest
