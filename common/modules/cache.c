/*
 * cache.c — a key-value cache that all workers share, and that none of them can break by dying.
 *
 *      --module ./cache.so=4m        4 MiB of slots, made once; 4m is also the default
 *
 *      PUT    /cache/KEY   keeps the body and its Content-Type   201, 204 (was there), 413, 400
 *      GET    /cache/KEY                                         200, 404
 *      DELETE /cache/KEY                                         204, 404
 *      GET    /cache-stats                                       JSON
 *
 * Any worker may be killed, or stopped for a minute, between any two instructions. So there is no
 * lock: it would die locked with its holder. A slot has one word, and every step in a slot's life
 * is one compare-and-swap on it:
 *
 *              claim                    publish
 *      FREE ───────────▶ WRITING ──────────────────▶ FULL
 *       ▲                 │   ▲                     │  │
 *       │                 └───┘ claim: robbed       │  │
 *       │                     └─────────────────────┘  │ claim: evicted
 *       └──────────────────────────────────────────────┘ clear
 *
 *   FREE     nothing to be found here
 *   WRITING  one worker fills it; nobody reads it. If that worker is dead, the slot ages like the
 *            others, and the next writer but a few takes it: nothing is lost for good
 *   FULL     readers copy it out
 *
 * Each step gives the word a number it never had. That leaves one case: a writer that was robbed,
 * not because it was dead but slow, and goes on writing into what is now another's slot. The word
 * cannot stop it; a checksum over the number and all of the content tells. A reader copies first and
 * sums up its own copy, so what it answers with is, byte for byte, what one writer has published
 * under this number, or it is a miss. (By chance once in 2^64 torn copies.) The robbed writer's own
 * swap fails. The price is one pass over at most 4 KiB, a microsecond.
 *
 * A cache may lose what it was given, at any time. It may not give back what has been replaced: a
 * PUT clears the older values of its key before it publishes the new one, and if two PUTs at once
 * have left two, whoever sees both clears the second.
 *
 * A key has one set of WAYS slots it can be in. When none of them is free, CLOCK evicts: the set's
 * hand goes round, and spares a slot once that was read since it last passed, or is being written.
 */
#include <tandem/handler.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "/cache/"
#define DEFAULT_SIZE "4m"
#define DEFAULT_TYPE "application/octet-stream"

enum { WAYS = 8, LIMIT_KEY = 128, LIMIT_TYPE = 80, LIMIT_VALUE = 4096 }; /* bytes */

/* What is kept, in memory of one's own. `bytes` are key, type and value, one behind the other. */
struct entry {
    uint64_t hash;                     /* of the key */
    uint16_t key, type, value, unused; /* lengths */
    char bytes[LIMIT_KEY + LIMIT_TYPE + LIMIT_VALUE];
};

enum { WORD = sizeof(uint64_t), ENTRY_WORDS = sizeof(struct entry) / WORD, HEAD_WORDS = 2 };
_Static_assert(sizeof(struct entry) % WORD == 0, "an entry is copied word by word");
_Static_assert(offsetof(struct entry, bytes) == HEAD_WORDS * WORD, "no padding");

enum state { FREE, WRITING, FULL };

struct slot {
    _Atomic uint64_t word; /* number (48 bits), tag (14), state (2) */
    _Atomic uint64_t sum;
    _Atomic uint64_t used;               /* since the hand passed (1), or being written */
    _Atomic uint64_t words[ENTRY_WORDS]; /* a struct entry */
};

struct set {
    _Atomic uint64_t hand;
    struct slot slots[WAYS];
};

struct cache {
    _Atomic uint64_t hits, misses, stores, evictions, torn;
    struct set set[];
};

static uint64_t set_count; /* not in what others can write over: it bounds where we write */

/* --- one slot --- */

static enum state state_of(uint64_t word)
{
    return (enum state)(word & 3);
}

static uint64_t number_of(uint64_t word)
{
    return word >> 16;
}

/* Some bits of the key's hash, to pass by what cannot be it. */
static uint64_t tag_of(const struct entry *entry)
{
    return entry->hash >> 50;
}

/* One step in the life of a slot, from `word` to one with a number that it never had. Returns that
 * word, or 0 when another was faster. */
static uint64_t step(struct slot *slot, uint64_t word, uint64_t tag, enum state state)
{
    uint64_t next = (number_of(word) + 1) << 16 | tag << 2 | state;
    return atomic_compare_exchange_strong(&slot->word, &word, next) ? next : 0;
}

/* Each round can be undone, so one word that differs always shows. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
    return sum ^ sum >> 29;
}

static size_t words_of(const struct entry *entry)
{
    size_t bytes = (size_t)entry->key + entry->type + entry->value;
    return HEAD_WORDS + (bytes + WORD - 1) / WORD;
}

static void store(struct slot *slot, uint64_t number, const struct entry *entry)
{
    uint64_t sum = number, word;
    for (size_t i = 0, n = words_of(entry); i < n; i++) {
        memcpy(&word, (const char *)entry + i * WORD, WORD);
        atomic_store_explicit(&slot->words[i], word, memory_order_relaxed);
        sum = mix(sum, word);
    }
    atomic_store_explicit(&slot->sum, sum, memory_order_relaxed);
}

static uint64_t load_words(const struct slot *slot, struct entry *entry, size_t from, size_t to,
                           uint64_t sum)
{
    for (size_t i = from; i < to; i++) {
        uint64_t word = atomic_load_explicit(&slot->words[i], memory_order_relaxed);
        memcpy((char *)entry + i * WORD, &word, WORD);
        sum = mix(sum, word);
    }
    return sum;
}

/* False when the copy is not what was published under this number. */
static bool load(const struct slot *slot, uint64_t number, struct entry *entry)
{
    uint64_t sum = load_words(slot, entry, 0, HEAD_WORDS, number);
    if (entry->key > LIMIT_KEY || entry->type > LIMIT_TYPE || entry->value > LIMIT_VALUE)
        return false;
    sum = load_words(slot, entry, HEAD_WORDS, words_of(entry), sum);
    return sum == atomic_load_explicit(&slot->sum, memory_order_relaxed);
}

/* --- one set --- */

static bool has_key(const struct entry *entry, const struct entry *wanted)
{
    return entry->hash == wanted->hash && entry->key == wanted->key &&
           memcmp(entry->bytes, wanted->bytes, wanted->key) == 0;
}

/* Copies what `slot` holds, if it holds the key of `wanted`; then *word is the slot's. */
static bool read_slot(struct cache *cache, struct slot *slot, const struct entry *wanted,
                      struct entry *found, uint64_t *word)
{
    *word = atomic_load(&slot->word);
    if (state_of(*word) != FULL || (*word >> 2 & 0x3fff) != tag_of(wanted))
        return false;
    if (load(slot, number_of(*word), found))
        return has_key(found, wanted);
    if (step(slot, *word, 0, FREE)) /* not overtaken: it has been written over */
        atomic_fetch_add(&cache->torn, 1);
    return false;
}

static bool find(struct cache *cache, struct set *set, const struct entry *wanted,
                 struct entry *found)
{
    struct entry other;
    uint64_t word;
    bool is_there = false;
    for (struct slot *slot = set->slots; slot < set->slots + WAYS; slot++) {
        if (!read_slot(cache, slot, wanted, is_there ? &other : found, &word))
            continue;
        if (is_there)
            step(slot, word, 0, FREE); /* two PUTs at once left two */
        else
            atomic_store_explicit(&slot->used, 1, memory_order_relaxed);
        is_there = true;
    }
    return is_there;
}

/* True when this call took the key away. */
static bool clear(struct cache *cache, struct set *set, const struct entry *wanted)
{
    struct entry found;
    uint64_t word;
    bool was_there = false;
    for (struct slot *slot = set->slots; slot < set->slots + WAYS; slot++)
        if (read_slot(cache, slot, wanted, &found, &word))
            was_there |= step(slot, word, 0, FREE) != 0;
    return was_there;
}

/* Takes `slot`, which was at `before`, for writing: returns its word, or 0. */
static uint64_t take(struct slot *slot, uint64_t before)
{
    uint64_t word = step(slot, before, 0, WRITING);
    if (word != 0) /* the hand is to spare whoever is at work, once */
        atomic_store_explicit(&slot->used, 1, memory_order_relaxed);
    return word;
}

static struct slot *claim_free(struct set *set, uint64_t *word)
{
    for (struct slot *slot = set->slots; slot < set->slots + WAYS; slot++) {
        uint64_t before = atomic_load(&slot->word);
        if (state_of(before) == FREE && (*word = take(slot, before)) != 0)
            return slot;
    }
    return NULL;
}

/* The hand goes round until a slot is ours. It ends: taking fails only because another has taken,
 * and after two rounds no slot is spared. */
static struct slot *evict(struct cache *cache, struct set *set, uint64_t *word)
{
    for (unsigned steps = 0;; steps++) {
        struct slot *slot = &set->slots[atomic_fetch_add(&set->hand, 1) % WAYS];
        uint64_t before = atomic_load(&slot->word);
        if (atomic_exchange(&slot->used, 0) && steps < 2 * WAYS)
            continue;
        *word = take(slot, before);
        if (*word == 0)
            continue;
        if (state_of(before) == FULL)
            atomic_fetch_add(&cache->evictions, 1);
        return slot;
    }
}

/* True when the key was there before. */
static bool put(struct cache *cache, struct set *set, const struct entry *entry)
{
    uint64_t word;
    bool was_there = clear(cache, set, entry);
    struct slot *slot = claim_free(set, &word);
    if (!slot)
        slot = evict(cache, set, &word);
    store(slot, number_of(word) + 1, entry);
    if (step(slot, word, tag_of(entry), FULL)) /* else we were robbed: lost, as if evicted */
        atomic_store_explicit(&slot->used, 0, memory_order_relaxed);
    atomic_fetch_add(&cache->stores, 1);
    return was_there;
}

/* --- requests --- */

static uint64_t hash_of(const char *key, size_t length)
{
    uint64_t hash = length;
    for (size_t i = 0; i < length; i++)
        hash = mix(hash, (unsigned char)key[i]);
    return hash;
}

/* Begins an entry with the key of the path. False when it is none: empty, too long, or with
 * characters that print nothing. */
static bool read_key(const struct request *req, struct entry *entry)
{
    const char *key = request_path(req) + strlen(PREFIX);
    size_t length = strlen(key);
    if (length == 0 || length > LIMIT_KEY)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)key[i] <= ' ' || key[i] == 0x7f)
            return false;
    entry->hash = hash_of(key, length);
    entry->key = (uint16_t)length;
    entry->type = entry->value = entry->unused = 0;
    memcpy(entry->bytes, key, length);
    return true;
}

/* Adds type and value to the entry. Returns 0 or a status. */
static int read_value(const struct request *req, struct entry *entry)
{
    struct request_body body = request_body(req);
    size_t length;
    const char *type = request_header(req, "Content-Type", &length);
    if (!type || length == 0) {
        type = DEFAULT_TYPE;
        length = strlen(type);
    }
    if (length > LIMIT_TYPE)
        return 400;
    if (body.length > LIMIT_VALUE)
        return 413;
    char *at = entry->bytes + entry->key;
    entry->type = (uint16_t)length;
    memcpy(at, type, length);
    at += length;
    entry->value = (uint16_t)body.length;
    size_t end = (size_t)(at - entry->bytes) + (size_t)body.length;
    memset(entry->bytes + end, 0, (WORD - end % WORD) % WORD); /* it is summed up in words */
    if (body.fd < 0)
        memcpy(at, body.data ? body.data : "", body.length);
    else if (pread(body.fd, at, body.length, 0) != (ssize_t)body.length)
        return 500;
    return 0;
}

static int answer_put(struct cache *cache, struct set *set, const struct request *req,
                      struct response *res, struct entry *entry)
{
    int status = read_value(req, entry);
    if (status != 0)
        return status;
    response_status(res, put(cache, set, entry) ? 204 : 201);
    return 0;
}

static int answer_get(struct cache *cache, struct set *set, struct response *res,
                      const struct entry *wanted)
{
    struct entry found;
    char type[LIMIT_TYPE + 1];
    if (!find(cache, set, wanted, &found)) {
        atomic_fetch_add(&cache->misses, 1);
        return 404;
    }
    atomic_fetch_add(&cache->hits, 1);
    memcpy(type, found.bytes + found.key, found.type);
    type[found.type] = '\0';
    response_type(res, type);
    return response_write(res, found.bytes + found.key + found.type, found.value) ? 0 : 500;
}

static int handle_key(const struct request *req, struct response *res, void *state)
{
    struct cache *cache = state;
    struct entry entry;
    if (!read_key(req, &entry))
        return 400;
    struct set *set = &cache->set[entry.hash % set_count];
    const char *method = request_method(req);
    if (strcmp(method, "PUT") == 0)
        return answer_put(cache, set, req, res, &entry);
    if (strcmp(method, "DELETE") != 0)
        return answer_get(cache, set, res, &entry);
    if (!clear(cache, set, &entry))
        return 404;
    response_status(res, 204);
    return 0;
}

static unsigned long long count_of(const _Atomic uint64_t *counter)
{
    return atomic_load(counter);
}

static int handle_stats(const struct request *req, struct response *res, void *state)
{
    (void)req;
    const struct cache *cache = state;
    char text[256];
    int length = snprintf(text, sizeof text,
                          "{\"slots\":%llu,\"hits\":%llu,\"misses\":%llu,\"stores\":%llu,"
                          "\"evictions\":%llu,\"torn\":%llu}\n",
                          (unsigned long long)set_count * WAYS, count_of(&cache->hits),
                          count_of(&cache->misses), count_of(&cache->stores),
                          count_of(&cache->evictions), count_of(&cache->torn));
    response_type(res, "application/json");
    return response_write(res, text, (size_t)length) ? 0 : 500;
}

/* --- the module --- */

/* "512k", "4m", "1g": 0 when it is not of this form. */
static size_t read_size(const char *text)
{
    static const char units[] = "kmg";
    size_t size = 0, digits = strspn(text, "0123456789");
    const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
    if (digits == 0 || digits > 6 || !unit || text[digits + 1])
        return 0;
    for (size_t i = 0; i < digits; i++)
        size = size * 10 + (size_t)(text[i] - '0');
    return size << (10 * (unit - units + 1));
}

static const char *open_cache(const char *argument, void **state)
{
    size_t size = read_size(argument ? argument : DEFAULT_SIZE);
    if (size < sizeof(struct cache) + sizeof(struct set))
        return "the size is a number with k, m or g, at least 64k: --module ./cache.so=4m";
    struct cache *cache = module_share(size);
    if (!cache)
        return "there is not so much shared memory: ask for less, as in --module ./cache.so=4m";
    set_count = (size - sizeof *cache) / sizeof(struct set);
    *state = cache;
    return NULL;
}

static const struct route routes[] = {{"GET HEAD PUT DELETE", PREFIX, handle_key},
                                      {"GET", "/cache-stats", handle_stats},
                                      {NULL, NULL, NULL}};

const struct module tandem_module = {
    .abi = TANDEM_ABI, .name = "cache", .routes = routes, .open = open_cache};
