#!/usr/bin/env bash
# docker.sh — the images, on a real engine: built, looked into, started, broken and stopped; then
# docker/compose.yaml, docker/stack.yaml on a Swarm of one node, and docker/kubernetes.
#
#   tests/docker.sh          installs and starts an engine when there is none (Debian 12 or 13, as root)
#
# Most of it is waiting, for a health check or for the end of a load, so what does not need one another
# goes side by side (`lane`).  Ends with a line like ctest's.  What it starts it also stops, by name or by
# pid; what it keeps is in ${TANDEM_CACHE:-/var/tmp}/tandem-docker (tests/docker/engine.sh).
set -u
cd "$(dirname "$0")/.." || exit 1
[ "$(id -u)" = 0 ] || exec sudo -n --preserve-env=TANDEM_CACHE,APT_MIRROR tests/docker.sh "$@"
top=$(mktemp -d /tmp/tandem-docker-XXXXXX)
work=$top           # files of this lane
name=tandem-$$-test # of all containers, networks and projects begins so
stack=$name-swarm
own=$name-main      # … of the containers of this lane
lanes=()            # pids

# shellcheck source=common/cmake/packages.sh
. common/cmake/packages.sh
need_packages 'docker-cli|docker.io' docker.io docker-compose mmdebstrap iptables iproute2 gcc libc6-dev curl \
    python3 python3-yaml prometheus || exit 1
# shellcheck source=tests/docker/engine.sh
. tests/docker/engine.sh

clean_up() {
    trap '' INT TERM HUP
    [ ${#lanes[@]} = 0 ] || kill "${lanes[@]}" 2>/dev/null
    docker ps -aqf "name=$name" | xargs -r docker rm -fv >/dev/null 2>&1
    [ ! -e "$top/joined" ] || leave_swarm
    docker ps -aqf "name=$name" | xargs -r docker rm -fv >/dev/null 2>&1
    docker volume ls -qf "name=$name" | xargs -r docker volume rm >/dev/null 2>&1
    docker network ls -qf "name=$name" | xargs -r docker network rm >/dev/null 2>&1
    docker image rm "$name-prometheus" >/dev/null 2>&1
    if [ -n "$dockerd_pid" ]; then
        docker image prune -f >/dev/null 2>&1
    else
        xargs -r docker image rm <"$top/made" >/dev/null 2>&1
    fi
    engine_stop
    rm -rf "$top"
}

# made IMAGE: about to be; one that was not there before does not stay on somebody's engine.
made() { docker image inspect "$1" >/dev/null 2>&1 || echo "$1" >>"$top/made"; }

# check NAME COMMAND…: one test; its output is shown when it fails, and figures in it always.
check() {
    local what=$1 begin=$SECONDS verdict=Passed
    shift
    "$@" >"$work/output" 2>&1 || verdict='***Failed'
    {
        flock 8
        echo "$verdict" >>"$top/verdicts"
        [ "$verdict" = Passed ] || tail -40 "$work/output"
        printf '%3d: %-66s %-9s %3d s\n' "$(wc -l <"$top/verdicts")" "$what" "$verdict" $((SECONDS - begin))
        sed -n 's/^figure: /     /p' "$work/output"
    } 8>"$top/lock"
    [ "$verdict" = Passed ]
}

# lane NAME FUNCTION: its checks go on beside others, with files and containers of their own.
lane() {
    lane_enter "$@" &
    lanes+=($!)
}
lane_enter() {
    work=$top/$1
    own=$name-$1
    mkdir "$work" && "$2" "$1"
}
lanes_end() {
    wait "${lanes[@]}"
    lanes=()
}

# await SECONDS COMMAND…: until it succeeds.
await() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "not in time: $*" && return 1; }
        sleep 0.2
    done
}

# says FILE EXPRESSION: of the document `r`.
says() {
    python3 -c 'import json, sys; r = json.load(open(sys.argv[1]))
sys.exit(0 if eval("(" + sys.argv[2] + ")") else "%s: %s" % (sys.argv[2], r.get("requests", sorted(r))))' "$1" "$2"
}

# tells FILE EXPRESSION: a figure of such a document, for the reader.
tells() {
    python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print("figure:", eval(sys.argv[2]))' "$1" "$2"
}

# --- the images --------------------------------------------------------------------------------------

# build TARGET IMAGE DOCKERFILE CONTEXT
build() {
    local arguments
    mapfile -t arguments < <(build_arguments)
    made "$2"
    DOCKER_BUILDKIT=0 docker build --quiet "${arguments[@]}" -f "$3" --target "$1" -t "$2" "$4"
}

build_images() {
    local target size
    for target in build server-proc server-thread loadtest; do
        build "$target" "tandem/$target" docker/Dockerfile . || return 1
    done
    for target in server-proc server-thread loadtest; do
        size=$(of_image "$target" '{{.Size}}') && [ "$size" -gt 0 ] || return 1
        echo "figure: $target $((size / 1000000)).$((size / 100000 % 10)) MB"
    done
}

of_image() { docker image inspect -f "$2" "tandem/$1"; }

# Numeric user, a signal, the exec form, labels that are true, and nothing that could run beside ours.
image_is_shut() {
    local image=$1 version
    version=$(docker run --rm --name "$own-version" "tandem/$image" --version) &&
        [ "$(of_image "$image" '{{.Config.User}}')" = 65532:65532 ] &&
        [ "$(of_image "$image" '{{json .Config.Entrypoint}}')" = "[\"$image\"]" ] &&
        [ "$image $(of_image "$image" '{{index .Config.Labels "org.opencontainers.image.version"}}')" = "$version" ] &&
        [ "$(of_image "$image" '{{index .Config.Labels "org.opencontainers.image.title"}}')" = "$image" ] &&
        ! docker run --rm --name "$own-shell" --entrypoint /bin/sh "tandem/$image" -c true
}

server_image_is_ready() {
    [ "$(of_image "$1" '{{.Config.StopSignal}}')" = SIGTERM ] &&
        [ "$(of_image "$1" '{{json .Config.ExposedPorts}}')" = '{"8080/tcp":{},"8443/tcp":{},"9090/tcp":{}}' ] &&
        [ "$(of_image "$1" '{{json .Config.Healthcheck.Test}}')" = "[\"CMD\",\"$1\",\"--health\"]" ]
}

# --- one container -----------------------------------------------------------------------------------

# start IMAGE [OPTION…]: a container $own-s, shut as tightly as can be, with its ports on 127.0.0.1.
start() {
    local image=$1
    shift
    docker rm -f "$own-s" >/dev/null 2>&1
    docker run -d --name "$own-s" --network "$name" --read-only --cap-drop ALL \
        --security-opt no-new-privileges -p 127.0.0.1::8080 -p 127.0.0.1::8443 -p 127.0.0.1::9090 \
        --health-interval 1s --health-timeout 2s --health-retries 2 "$@" "tandem/$image"
}

address() { docker port "$own-s" "$1" | head -1; }
state() { docker inspect -f "$1" "$own-s"; }
health_is() { [ "$(state '{{.State.Health.Status}}')" = "$1" ]; }
answers() { curl -sfo /dev/null -m 2 "http://$(address 8080)/"; }

serves_files_and_tls() {
    start "$1" -e TANDEM_TLS_LISTEN='*:8443' -e TANDEM_TLS_SELF_SIGNED=1 -e TANDEM_ENABLE_DEMO=1 && await 10 answers &&
        curl -sf "http://$(address 8080)/one.txt" | cmp - packaging/www/one.txt &&
        curl -sfk "https://$(address 8443)/one.txt" | cmp - packaging/www/one.txt &&
        curl -sf "http://$(address 9090)/metrics" | grep -q "^tandem_info{program=\"$1\"" &&
        ! curl -sf "http://$(address 8080)/fault/segv" && await 5 logs_are_apart
}

# On stdout the access log and what is well, on stderr what is not; and the sandbox is on.
logs_are_apart() {
    docker logs "$own-s" 2>/dev/null >"$work/stdout" && docker logs "$own-s" 2>"$work/stderr" >/dev/null &&
        grep -q '"GET /one.txt HTTP/1.1" 200 1024' "$work/stdout" && grep -q 'ready \[::\]:8080' "$work/stdout" &&
        grep -q 'run as uid 65532.*Landlock\|run as uid 65532.*seccomp' "$work/stdout" &&
        [ "$(grep -c . "$work/stderr")" = 1 ] && grep -q 'warn: --enable-demo' "$work/stderr"
}

# On with the same container: children of others come to PID 1, and what they exit with means nothing.
reaps_orphans() {
    local before
    before=$(docker logs "$own-s" 2>&1 | grep -vc GET)
    docker exec "$own-s" /orphan && await 5 docker exec "$own-s" /orphan zombies &&
        answers && [ "$(state '{{.State.Running}} {{.RestartCount}}')" = 'true 0' ] &&
        [ "$(docker logs "$own-s" 2>&1 | grep -vc GET)" = "$before" ]
}

# A server of which nothing moves any more, and then again does.
signal_all() { docker top "$own-s" -eo pid | tail -n +2 | xargs kill "-$1"; }
tells_its_health() {
    start "$1" -v "$top/orphan:/orphan:ro" && health_is starting && await 10 health_is healthy || return 1
    signal_all STOP
    await 20 health_is unhealthy
    local verdict=$?
    signal_all CONT
    [ $verdict = 0 ] && await 10 health_is healthy
}

# Requests under way end well; those that come when nobody listens any more do not count.
stops_under_load() {
    local begin code took
    start "$1" -e TANDEM_ENABLE_DEMO=1 -e TANDEM_DRAIN_DELAY=1s -e TANDEM_DRAIN_TIMEOUT=10s &&
        await 10 answers || return 1
    docker rm -f "$own-l" >/dev/null 2>&1
    docker run -d --name "$own-l" --network "$name" tandem/loadtest run -c 32 -R 400 -d 5s --timeout 3s --quiet \
        --json - "http://$own-s:8080/work?sleep=30"
    sleep 2
    begin=$SECONDS
    docker stop -t 20 "$own-s"
    took=$((SECONDS - begin))
    [ $took -le 11 ] || { echo "it took $took s" && return 1; }
    code=$(state '{{.State.ExitCode}}')
    timeout 60 docker wait "$own-l" || return 1
    docker logs "$own-l" >"$work/stop.json" 2>/dev/null
    [ "$code" = 0 ] && says "$work/stop.json" "r['requests']['ok'] >= 500 and sum(n for k, n in
        r['requests']['failed'].items() if k not in ('refused', 'connect_timeout', 'connect_error')) == 0" &&
        tells "$work/stop.json" "f\"after {r['requests']['ok']} requests, none cut off; it took $took s\""
}

has_restarted() { [ "$(state '{{.RestartCount}} {{.State.Running}}')" = '1 true' ] && answers; }
is_restarted() {
    start "$1" --restart on-failure:3 && await 10 answers || return 1
    kill -KILL "$(state '{{.State.Pid}}')"
    await 15 has_restarted
}

# --- compose -----------------------------------------------------------------------------------------

project() {
    (cd docker && THREAD_PORT=0 POOL_PORT=0 FRESH_PORT=0 NGINX_PORT=0 APACHE_PORT=0 PROMETHEUS_PORT=0 \
        GRAFANA_PORT=0 REPORT=$work/report DURATION=${duration:-2s} PROMETHEUS_IMAGE=$name-prometheus \
        compose -p "$name" -f compose.yaml "$@")
}

compose_is_read() { project --profile demo --profile peers --profile monitoring config; }

limits_are_equal() {
    project up -d --no-build server-thread server-proc server-fresh || return 1
    [ "$(docker ps -qf "name=$name.server" | xargs docker inspect -f \
        '{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' |
        sort | uniq -c | sed 's/^ *//')" = '3 1000000000 268435456 true [ALL]' ]
}

# All three, steady and poisoned; who is isolated lost nobody, and all books agree.
demonstrates() {
    mkdir -p "$work/report"
    project run --rm --user "$(id -u)" loadtest && [ -s "$work/report/demo.html" ] || return 1
    says "$work/report/demo.json" "[s['name'] for s in r['subjects']] == ['thread', 'pool', 'fresh']" &&
        says "$work/report/demo.json" "all(s['check']['holds'] and s['faulty']['server_cpu_us_per_request'] > 0 and
            s['faulty']['server_pss_of_workers'] and s['faulty']['server_pss_kib'] > 0 for s in r['subjects'])" &&
        says "$work/report/demo.json" "all(sum(s['faulty']['requests']['innocent']['failed'].values()) == 0
            for s in r['subjects'][1:])" &&
        says "$work/report/demo.json" "r['subjects'][0]['faulty']['victims'] > 0"
}

build_peers() {
    local peer
    for peer in nginx apache; do
        build "$peer" "tandem/peer-$peer" docker/peers/Dockerfile docker || return 1
    done
}
compares_with_peers() {
    local duration=3s # cut into 50 rounds, which must not be too short
    project --profile peers up -d --no-build nginx apache && project run --rm --user "$(id -u)" compare &&
        says "$work/report/compare.json" "len(r['subjects']) == 5 and
            all(sum(s['requests']['failed'].values()) == 0 for s in r['subjects'][:3])"
}

# The maker's image cannot be had everywhere; Debian's program reads the same configuration.
build_prometheus() {
    mkdir -p "$work/prometheus" && cp "$(command -v prometheus)" "$work/prometheus/" &&
        docker build --quiet -t "$name-prometheus" -f - "$work/prometheus" <<'END'
FROM debian:trixie-slim
COPY prometheus /bin/
RUN mkdir /prometheus && chown 65534 /prometheus
USER 65534
ENTRYPOINT ["prometheus"]
END
}
prometheus_starts() {
    promtool check config docker/prometheus/prometheus.yml &&
        project --profile monitoring up -d --no-build prometheus
}
is_scraped() {
    curl -sf "http://$(docker port "$(docker ps -qf "name=$name.prometheus")" 9090 | head -1)/api/v1/query?query=up" \
        >"$work/up.json" &&
        says "$work/up.json" "sorted((s['metric']['subject'], s['value'][1]) for s in r['data']['result']) ==
            [('fresh', '1'), ('pool', '1'), ('thread', '1')]"
}

# Grafana's image is not to be had here: its files are read, and what the dashboard asks is there.
grafana_is_provisioned() {
    python3 - docker/grafana <<'END'
import json, pathlib, sys, yaml
folder = pathlib.Path(sys.argv[1])
source = yaml.safe_load((folder / 'datasources.yaml').read_text())['datasources'][0]
provider = yaml.safe_load((folder / 'dashboards.yaml').read_text())['providers'][0]
mounts = yaml.safe_load((folder.parent / 'compose.yaml').read_text())['services']['grafana']['volumes']
assert f"./grafana:{provider['options']['path']}:ro" in mounts, mounts
dashboards = [json.loads(f.read_text()) for f in folder.glob('*.json')]
assert dashboards, 'no dashboard'
kinds = {v['query'] for d in dashboards for v in d['templating']['list'] if v['type'] == 'datasource'}
assert kinds == {source['type']}, f"the dashboards ask {kinds}, and the source is {source['type']}"
END
}

compose_goes_down() {
    project --profile demo --profile peers --profile monitoring down -v -t 5 &&
        [ -z "$(docker ps -aqf "name=$name.server")" ]
}

# --- swarm -------------------------------------------------------------------------------------------

deploy() { docker stack deploy --resolve-image never -c docker/stack.yaml "$stack"; }
replicas_are() { [ "$(docker service ls -f "name=${stack}_$1" --format '{{.Replicas}}')" = "$2" ]; }

leave_swarm() {
    docker stack rm "$stack" >/dev/null 2>&1
    await 20 no_task >/dev/null 2>&1
    docker swarm leave --force >/dev/null 2>&1
    report_volumes | xargs -r docker volume rm >/dev/null 2>&1
}
report_volumes() { docker volume ls -qf "label=com.docker.stack.namespace=$stack"; }
no_task() { [ -z "$(docker ps -qf "name=${stack}_")" ]; }

swarm_serves() {
    [ "$(docker info -f '{{.Swarm.LocalNodeState}}')" = inactive ] || { echo 'a Swarm is here already' && return 1; }
    touch "$top/joined"
    docker swarm init --advertise-addr 127.0.0.1 >/dev/null && deploy &&
        await 40 replicas_are server-proc 3/3 && await 40 replicas_are server-thread 3/3
}

# Each service is updated, task by task, while a client inside the overlay goes on asking, and until a
# while after.
updates_lose_nothing() {
    local server
    for server in proc thread; do
        docker run -d --name "$name-$server" --network "${stack}_inside" tandem/loadtest run --resolve 1s -c 16 \
            -R 300 -d 3m --quiet --json - "http://server-$server:8080/one.txt" || return 1
    done
    sleep 2
    for server in proc thread; do
        docker service update -q --force --detach=true "${stack}_server-$server"
    done
    for server in proc thread; do
        await 90 has_updated server-$server || return 1
    done
    sleep 2
    for server in proc thread; do
        docker kill -s INT "$name-$server" && timeout 60 docker wait "$name-$server" || return 1
        docker logs "$name-$server" >"$work/$server.json" 2>/dev/null
        # What a busy machine has left unsent when the run ends is not the servers'.
        says "$work/$server.json" "r['requests']['ok'] == r['requests']['innocent']['started'] > 3000" || return 1
        tells "$work/$server.json" \
            "f\"server-$server: {r['requests']['ok']} of {r['requests']['innocent']['started']} requests answered well\""
    done
}
has_updated() {
    [ "$(docker service inspect -f '{{.UpdateStatus.State}}' "${stack}_$1")" = completed ]
}

# Two generators, and what both found is one log.
job_is_merged() {
    local task tasks ok mounts=() logs=() found=()
    GENERATORS=2 DURATION=3s deploy || return 1
    await 40 job_has_ended || return 1
    mapfile -t tasks < <(ended_tasks)
    for task in "${tasks[@]:0:2}"; do
        mounts+=(-v "tandem-report-$task:/logs/$task:ro")
        logs+=("/logs/$task/load.hlog")
        found+=("$(docker volume inspect -f '{{.Mountpoint}}' "tandem-report-$task")/load.json")
    done
    ok=$(python3 -c 'import json, sys; print(sum(json.load(open(f))["requests"]["ok"] for f in sys.argv[1:]))' "${found[@]}")
    docker run --rm --name "$name-merge" "${mounts[@]}" tandem/loadtest merge --json - "${logs[@]}" >"$work/merge.json" &&
        says "$work/merge.json" "[t['latency_us']['count'] for t in r['tags'] if t['tag'] == 'ok'] == [$ok] and $ok > 1000"
}
# Whatever they think of their own punctuality (exit code 2) on a machine that is busy with all this; who
# thinks so is started again.
ended_tasks() {
    docker service ps "${stack}_loadtest" --no-trunc --format '{{.ID}} {{.CurrentState}}' |
        sed -n 's/ \(Complete\|Failed\) .*//p'
}
job_has_ended() { [ "$(ended_tasks | wc -l)" -ge 2 ]; }

# --- kubernetes --------------------------------------------------------------------------------------

# The schemas come from the registry of npm.
manifests_are_valid() {
    mkdir -p "$cache/npm"
    [ -d "$cache/npm/node_modules/kubernetes-models" ] ||
        npm install --silent --no-audit --no-fund --prefix "$cache/npm" kubernetes-models@4.5.1 js-yaml@5.5.0 || return 1
    NODE_PATH=$cache/npm/node_modules node tests/docker/kubernetes.js docker/kubernetes/*.yaml
}

# --- the Debian package -------------------------------------------------------------------------------

# In a Debian that has nothing of ours; what must be done there is in docker/package.sh.
package_works() {
    local proxy
    proxy=$(host_proxy)
    build package tandem/package docker/Dockerfile . && docker create --name "$own-deb" tandem/package none &&
        mkdir -p "$work/deb" && docker cp "$own-deb:/" - | tar -x -C "$work/deb" --wildcards '*.deb' &&
        docker run --rm --name "$own-try" ${proxy:+-e "http_proxy=$proxy"} -e "APT_MIRROR=${APT_MIRROR:-}" \
            -v "$work/deb:/deb:ro" -v "$PWD/tests/docker/package.sh:/package.sh:ro" debian:trixie-slim \
            sh /package.sh
}

# --- all of it ---------------------------------------------------------------------------------------

server_lane() {
    check "$1: nothing but what runs" image_is_shut "$1"
    check "$1: signal, ports, health check" server_image_is_ready "$1"
    check "$1: read-only, without capabilities: files and TLS" serves_files_and_tls "$1"
    check "$1: starting, healthy, unhealthy, healthy" tells_its_health "$1"
    check "$1: PID 1 reaps orphans" reaps_orphans
    check "$1: stopped under load" stops_under_load "$1"
    check "$1: killed and restarted" is_restarted "$1"
    docker rm -f "$own-s" "$own-l" >/dev/null 2>&1
}

loadtest_lane() {
    check 'loadtest: nothing but what runs' image_is_shut loadtest
    check 'compose: the file is read' compose_is_read
    check 'compose: images of nginx and Apache' build_peers
    check 'compose: an image of Prometheus' build_prometheus
    check 'the Debian package, where nothing of ours is' package_works
}

# Does not need the engine.
files_lane() {
    check 'compose: Grafana is provisioned' grafana_is_provisioned
    if command -v npm >/dev/null; then
        check 'kubernetes: the manifests, by the schemas of its API' manifests_are_valid
    else
        echo 'skipped: kubernetes: npm is not here, which brings the schemas'
    fi
}

compose_lane() {
    check 'compose: equal limits for all three' limits_are_equal
    check 'compose: Prometheus starts' prometheus_starts
    check 'compose: the demonstration, with its report' demonstrates
    check 'compose: nginx and Apache beside them' compares_with_peers
    check 'compose: Prometheus has scraped all three' await 30 is_scraped
    check 'compose: goes down and leaves nothing' compose_goes_down
}

swarm_lane() {
    check 'swarm: three replicas of each' swarm_serves
    check 'swarm: rolling updates lose no request' updates_lose_nothing
    check 'swarm: load generators as a job, merged' job_is_merged
}

trap clean_up EXIT
trap 'exit 1' INT TERM HUP
engine_answers || engine_start || exit 1
docker version --format 'engine {{.Server.Version}}, client {{.Client.Version}}'
gcc -static -O1 -o "$top/orphan" tests/docker/orphan.c || exit 1
docker network create "$name" >/dev/null || exit 1

lane files files_lane
check 'base image debian:trixie-slim' base_image || exit 1
check 'the images are built' build_images || exit 1 # what follows would be about those of an earlier run
lane server-proc server_lane
lane server-thread server_lane
lane loadtest loadtest_lane
lanes_end
lane compose compose_lane
lane swarm swarm_lane
lanes_end

total=$(grep -c . "$top/verdicts")
failed=$(grep -c Failed "$top/verdicts")
echo
echo "$((100 * (total - failed) / total))% tests passed, $failed tests failed out of $total"
echo "Total Test time (real) = $SECONDS sec"
[ "$failed" = 0 ]
