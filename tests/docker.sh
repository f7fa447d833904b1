#!/usr/bin/env bash
# docker.sh — the images, on a real engine: built, looked into, started, broken and stopped; then
# docker/compose.yaml, docker/stack.yaml on a Swarm of one node, and docker/kubernetes.
#
#   tests/docker.sh          installs and starts an engine when there is none (Debian 12 or 13, as root)
#
# Ends with a line like ctest's.  What it starts it also stops, by name or by pid; what it keeps is in
# ${TANDEM_CACHE:-/var/tmp}/tandem-docker (tests/docker/engine.sh).
set -u
cd "$(dirname "$0")/.." || exit 1
[ "$(id -u)" = 0 ] || exec sudo -n --preserve-env=TANDEM_CACHE,APT_MIRROR tests/docker.sh "$@"
work=$(mktemp -d /tmp/tandem-docker-XXXXXX)
name=tandem-test-$$ # of all containers, networks and projects
total=0
failed=0

# shellcheck source=common/cmake/packages.sh
. common/cmake/packages.sh
need_packages 'docker-cli|docker.io' docker.io docker-compose mmdebstrap iptables iproute2 gcc libc6-dev curl \
    python3 python3-yaml prometheus || exit 1
# shellcheck source=tests/docker/engine.sh
. tests/docker/engine.sh

clean_up() {
    docker ps -aqf "name=$name" | xargs -r docker rm -fv >/dev/null 2>&1
    [ -z "${joined:-}" ] || leave_swarm
    docker volume ls -qf "name=$name" | xargs -r docker volume rm >/dev/null 2>&1
    docker network ls -qf "name=$name" | xargs -r docker network rm >/dev/null 2>&1
    docker image rm "$name-prometheus" >/dev/null 2>&1
    if [ -n "$dockerd_pid" ]; then
        docker image prune -f >/dev/null 2>&1
    else
        for image in "${made[@]}"; do docker image rm "$image" >/dev/null 2>&1; done
    fi
    engine_stop
    rm -rf "$work"
}
made=()

# check NAME COMMAND…: one test; its output is shown when it fails.
check() {
    local what=$1 begin=$SECONDS verdict=Passed
    shift
    total=$((total + 1))
    if ! "$@" >"$work/output" 2>&1; then
        verdict='***Failed'
        failed=$((failed + 1))
        tail -40 "$work/output"
    fi
    printf '%3d: %-66s %-9s %3d s\n' "$total" "$what" "$verdict" $((SECONDS - begin))
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

# --- the images --------------------------------------------------------------------------------------

build() {
    local target arguments
    mapfile -t arguments < <(build_arguments)
    for target in build server-proc server-thread loadtest; do
        docker image inspect "tandem/$target" >/dev/null 2>&1 || made+=("tandem/$target")
        DOCKER_BUILDKIT=0 docker build --quiet "${arguments[@]}" -f docker/Dockerfile --target "$target" \
            -t "tandem/$target" . || return 1
    done
}

of_image() { docker image inspect -f "$2" "tandem/$1"; }

# Numeric user, a signal, the exec form, labels that are true, and nothing that could run beside ours.
image_is_shut() {
    local image=$1 version
    version=$(docker run --rm --name "$name-version" "tandem/$image" --version) &&
        [ "$(of_image "$image" '{{.Config.User}}')" = 65532:65532 ] &&
        [ "$(of_image "$image" '{{json .Config.Entrypoint}}')" = "[\"$image\"]" ] &&
        [ "$image $(of_image "$image" '{{index .Config.Labels "org.opencontainers.image.version"}}')" = "$version" ] &&
        [ "$(of_image "$image" '{{index .Config.Labels "org.opencontainers.image.title"}}')" = "$image" ] &&
        ! docker run --rm --name "$name-shell" --entrypoint /bin/sh "tandem/$image" -c true
}

server_image_is_ready() {
    [ "$(of_image "$1" '{{.Config.StopSignal}}')" = SIGTERM ] &&
        [ "$(of_image "$1" '{{json .Config.ExposedPorts}}')" = '{"8080/tcp":{},"8443/tcp":{},"9090/tcp":{}}' ] &&
        [ "$(of_image "$1" '{{json .Config.Healthcheck.Test}}')" = "[\"CMD\",\"$1\",\"--health\"]" ]
}

# --- one container -----------------------------------------------------------------------------------

# start IMAGE [OPTION…]: a container $name-s, shut as tightly as can be, with its ports on 127.0.0.1.
start() {
    local image=$1
    shift
    docker rm -f "$name-s" >/dev/null 2>&1
    docker run -d --name "$name-s" --network "$name" --network-alias server --read-only --cap-drop ALL \
        --security-opt no-new-privileges -p 127.0.0.1::8080 -p 127.0.0.1::8443 -p 127.0.0.1::9090 \
        --health-interval 1s --health-timeout 3s --health-retries 2 "$@" "tandem/$image"
}

address() { docker port "$name-s" "$1" | head -1; }
state() { docker inspect -f "$1" "$name-s"; }
health_is() { [ "$(state '{{.State.Health.Status}}')" = "$1" ]; }
answers() { curl -sfo /dev/null -m 2 "http://$(address 8080)/"; }

serves_files_and_tls() {
    start "$1" -e TANDEM_TLS_LISTEN='*:8443' -e TANDEM_TLS_SELF_SIGNED=1 -e TANDEM_ENABLE_DEMO=1 && await 10 answers &&
        curl -sf "http://$(address 8080)/one.txt" | cmp - docker/www/one.txt &&
        curl -sfk "https://$(address 8443)/one.txt" | cmp - docker/www/one.txt &&
        curl -sf "http://$(address 9090)/metrics" | grep -q "^tandem_info{program=\"$1\"" &&
        ! curl -sf "http://$(address 8080)/fault/segv" && await 5 logs_are_apart
}

# On stdout the access log and what is well, on stderr what is not; and the sandbox is on.
logs_are_apart() {
    docker logs "$name-s" 2>/dev/null >"$work/stdout" && docker logs "$name-s" 2>"$work/stderr" >/dev/null &&
        grep -q '"GET /one.txt HTTP/1.1" 200 1024' "$work/stdout" && grep -q 'ready \[::\]:8080' "$work/stdout" &&
        grep -q 'run as uid 65532.*Landlock\|run as uid 65532.*seccomp' "$work/stdout" &&
        [ "$(grep -c . "$work/stderr")" = 1 ] && grep -q 'warn: --enable-demo' "$work/stderr"
}

# On with the same container: children of others come to PID 1, and what they exit with means nothing.
reaps_orphans() {
    local before
    before=$(docker logs "$name-s" 2>&1 | grep -vc GET)
    docker exec "$name-s" /orphan && await 5 docker exec "$name-s" /orphan zombies &&
        answers && [ "$(state '{{.State.Running}} {{.RestartCount}}')" = 'true 0' ] &&
        [ "$(docker logs "$name-s" 2>&1 | grep -vc GET)" = "$before" ]
}

# A server of which nothing moves any more, and then again does.
signal_all() { docker top "$name-s" -eo pid | tail -n +2 | xargs kill "-$1"; }
tells_its_health() {
    start "$1" -v "$work/orphan:/orphan:ro" && health_is starting && await 10 health_is healthy || return 1
    signal_all STOP
    await 20 health_is unhealthy
    local verdict=$?
    signal_all CONT
    [ $verdict = 0 ] && await 10 health_is healthy
}

# Requests under way end well; those that come when nobody listens any more do not count.
stops_under_load() {
    local begin code
    start "$1" -e TANDEM_ENABLE_DEMO=1 -e TANDEM_DRAIN_DELAY=1s -e TANDEM_DRAIN_TIMEOUT=10s &&
        await 10 answers || return 1
    docker rm -f "$name-l" >/dev/null 2>&1
    docker run -d --name "$name-l" --network "$name" tandem/loadtest run -c 16 -R 200 -d 8s --timeout 2s --quiet \
        --json - 'http://server:8080/work?sleep=30'
    sleep 3
    begin=$SECONDS
    docker stop -t 20 "$name-s"
    [ $((SECONDS - begin)) -le 11 ] || { echo "it took $((SECONDS - begin)) s" && return 1; }
    code=$(state '{{.State.ExitCode}}')
    docker wait "$name-l"
    docker logs "$name-l" >"$work/stop.json" 2>/dev/null
    [ "$code" = 0 ] && says "$work/stop.json" "r['requests']['ok'] >= 500 and sum(n for k, n in
        r['requests']['failed'].items() if k not in ('refused', 'connect_timeout', 'connect_error')) == 0"
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
        GRAFANA_PORT=0 REPORT=$work/report DURATION=3s PROMETHEUS_IMAGE=$name-prometheus \
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

compares_with_peers() {
    mapfile -t arguments < <(build_arguments)
    for peer in nginx apache; do
        docker image inspect "tandem/peer-$peer" >/dev/null 2>&1 || made+=("tandem/peer-$peer")
        DOCKER_BUILDKIT=0 docker build --quiet "${arguments[@]}" -f docker/peers/Dockerfile --target "$peer" \
            -t "tandem/peer-$peer" docker || return 1
    done
    project --profile peers up -d --no-build nginx apache && project run --rm --user "$(id -u)" compare &&
        says "$work/report/compare.json" "len(r['subjects']) == 5 and
            all(sum(s['requests']['failed'].values()) == 0 for s in r['subjects'][:3])"
}

# The maker's image cannot be had everywhere; Debian's program reads the same configuration.
is_scraped() {
    curl -sf "http://$(docker port "$(docker ps -qf "name=$name.prometheus")" 9090 | head -1)/api/v1/query?query=up" \
        >"$work/up.json" &&
        says "$work/up.json" "sorted((s['metric']['subject'], s['value'][1]) for s in r['data']['result']) ==
            [('fresh', '1'), ('pool', '1'), ('thread', '1')]"
}
prometheus_scrapes() {
    promtool check config docker/prometheus/prometheus.yml || return 1
    mkdir -p "$work/prometheus" && cp "$(command -v prometheus)" "$work/prometheus/"
    docker build --quiet -t "$name-prometheus" -f - "$work/prometheus" <<'END' || return 1
FROM debian:trixie-slim
COPY prometheus /bin/
RUN mkdir /prometheus && chown 65534 /prometheus
USER 65534
ENTRYPOINT ["prometheus"]
END
    project --profile monitoring up -d --no-build prometheus && await 30 is_scraped
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

stack() { docker stack deploy --resolve-image never -c docker/stack.yaml "$name"; }
replicas_are() { [ "$(docker service ls -f "name=${name}_$1" --format '{{.Replicas}}')" = "$2" ]; }

leave_swarm() {
    docker stack rm "$name" >/dev/null 2>&1
    await 20 no_task >/dev/null 2>&1
    docker swarm leave --force >/dev/null 2>&1
    docker volume ls -qf name=tandem-report- | xargs -r docker volume rm >/dev/null 2>&1
}
no_task() { [ -z "$(docker ps -qf "name=${name}_")" ]; }

swarm_serves() {
    [ "$(docker info -f '{{.Swarm.LocalNodeState}}')" = inactive ] || { echo 'a Swarm is here already' && return 1; }
    joined=yes
    docker swarm init --advertise-addr 127.0.0.1 >/dev/null && stack &&
        await 40 replicas_are server-proc 3/3 && await 40 replicas_are server-thread 3/3
}

# Each service is updated, task by task, while a client inside the overlay goes on asking.
updates_lose_nothing() {
    local server
    for server in proc thread; do
        docker run -d --name "$name-$server" --network "$name"_inside tandem/loadtest run --resolve 1s -c 16 \
            -R 300 -d "$1" --quiet --json - "http://server-$server:8080/one.txt" || return 1
    done
    sleep 2
    for server in proc thread; do
        docker service update -q --force --detach=true "$name"_server-$server
    done
    for server in proc thread; do
        await 60 has_updated server-$server || return 1
        [ "$(docker inspect -f '{{.State.Running}}' "$name-$server")" = true ] ||
            { echo 'the load ended before the update' && return 1; }
    done
    for server in proc thread; do
        docker wait "$name-$server" >/dev/null
        docker logs "$name-$server" >"$work/$server.json" 2>/dev/null
        says "$work/$server.json" "r['requests']['ok'] == r['requests']['scheduled'] > 5000" || return 1
    done
}
has_updated() {
    [ "$(docker service inspect -f '{{.UpdateStatus.State}}' "${name}_$1")" = completed ]
}

# Two generators, and what both found is one log.
job_is_merged() {
    GENERATORS=2 DURATION=3s stack || return 1
    await 40 job_has_ended || return 1
    mapfile -t volumes < <(docker volume ls -qf name=tandem-report-)
    local mounts=() logs=()
    for volume in "${volumes[@]}"; do
        mounts+=(-v "$volume:/logs/$volume:ro")
        logs+=("/logs/$volume/load.hlog")
    done
    [ ${#logs[@]} = 2 ] && docker run --rm --name "$name-merge" "${mounts[@]}" tandem/loadtest merge \
        --json - "${logs[@]}" >"$work/merge.json" &&
        says "$work/merge.json" "[t['latency_us']['count'] for t in r['tags'] if t['tag'] == 'ok'] == [3000]"
}
# Whatever they think of their own punctuality (exit code 2) on a machine that is busy with all this.
job_has_ended() {
    [ "$(docker service ps "${name}_loadtest" --format '{{.CurrentState}}' | grep -cE '^(Complete|Failed)')" = 2 ]
}

# --- kubernetes --------------------------------------------------------------------------------------

# The schemas come from the registry of npm.
manifests_are_valid() {
    mkdir -p "$cache/npm"
    [ -d "$cache/npm/node_modules/kubernetes-models" ] ||
        npm install --silent --no-audit --no-fund --prefix "$cache/npm" kubernetes-models@4.5.1 js-yaml@5.5.0 || return 1
    NODE_PATH=$cache/npm/node_modules node tests/docker/kubernetes.js docker/kubernetes/*.yaml
}

# --- all of it ---------------------------------------------------------------------------------------

trap clean_up EXIT
trap 'exit 1' INT TERM
engine_answers || engine_start || exit 1
docker version --format 'engine {{.Server.Version}}, client {{.Client.Version}}'
gcc -static -O1 -o "$work/orphan" tests/docker/orphan.c || exit 1
docker network create "$name" >/dev/null || exit 1

check 'base image debian:trixie-slim' base_image
check 'the images are built' build
[ $failed = 0 ] || exit 1 # what follows would be about images of an earlier run
docker image ls --filter 'reference=tandem/*' --format '{{.Repository}}  {{.Size}}' | grep -v /build |
    sed 's/^/     /'
for image in server-proc server-thread loadtest; do
    check "$image: nothing but what runs" image_is_shut "$image"
done
for image in server-proc server-thread; do
    check "$image: signal, ports, health check" server_image_is_ready "$image"
    check "$image: read-only, without capabilities: files and TLS" serves_files_and_tls "$image"
    check "$image: starting, healthy, unhealthy, healthy" tells_its_health "$image"
    check "$image: PID 1 reaps orphans" reaps_orphans
    check "$image: stopped under load" stops_under_load "$image"
    check "$image: killed and restarted" is_restarted "$image"
done
docker rm -f "$name-s" "$name-l" >/dev/null 2>&1
check 'compose: the file is read' compose_is_read
check 'compose: equal limits for all three' limits_are_equal
check 'compose: the demonstration, with its report' demonstrates
check 'compose: nginx and Apache beside them' compares_with_peers
check 'compose: Prometheus scrapes all three' prometheus_scrapes
check 'compose: Grafana is provisioned' grafana_is_provisioned
check 'compose: goes down and leaves nothing' compose_goes_down
check 'swarm: three replicas of each' swarm_serves
check 'swarm: rolling updates lose no request' updates_lose_nothing 24s
check 'swarm: load generators as a job, merged' job_is_merged
if command -v npm >/dev/null; then
    check 'kubernetes: the manifests, by the schemas of its API' manifests_are_valid
else
    echo 'skipped: kubernetes: npm is not here, which brings the schemas'
fi

echo
echo "$((100 * (total - failed) / total))% tests passed, $failed tests failed out of $total"
echo "Total Test time (real) = $SECONDS sec"
[ $failed = 0 ]
