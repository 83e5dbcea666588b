#include "reaction_events.h"

#include "reaction_events.pb-c.h"

typedef Spillway__Reactions__V1__ReactionSet wire_set;
typedef Spillway__Reactions__V1__ReactionEvent wire_event;

static ProtobufCBinaryData binary(const uint8_t *bytes, size_t length) {
    return (ProtobufCBinaryData){.len = length, .data = (uint8_t *)bytes};
}

static void fill(const reaction_set *set, wire_set *wire, wire_event *event) {
    spillway__reactions__v1__reaction_set__init(wire);
    wire->target_id = binary(set->target_id, set->target_id_length);
    wire->target_type = binary(set->target_type, set->target_type_length);
    wire->user_id = binary(set->user_id, set->user_id_length);
    wire->reaction = (Spillway__Reactions__V1__Reaction)set->reaction;
    wire->version = set->version;
    wire->origin = (Spillway__Reactions__V1__Origin)set->origin;
    wire->keep_previous = set->keep_previous;
    spillway__reactions__v1__reaction_event__init(event);
    event->event_case = SPILLWAY__REACTIONS__V1__REACTION_EVENT__EVENT_SET;
    event->set = wire;
}

size_t reaction_set_packed_size(const reaction_set *set) {
    wire_set wire;
    wire_event event;
    fill(set, &wire, &event);
    return spillway__reactions__v1__reaction_event__get_packed_size(&event);
}

size_t reaction_set_pack(const reaction_set *set, uint8_t *out) {
    wire_set wire;
    wire_event event;
    fill(set, &wire, &event);
    return spillway__reactions__v1__reaction_event__pack(&event, out);
}

// A bump allocator: what it gave out is gone with the next event.
typedef struct {
    uint8_t *bytes;
    size_t size;
    size_t used;
} arena;

static void *arena_allocate(void *data, size_t size) {
    arena *a = data;
    size_t start = (a->used + 15) & ~(size_t)15;
    if (start > a->size || size > a->size - start) return NULL;
    a->used = start + size;
    return a->bytes + start;
}

static void arena_free(void *data, void *pointer) {
    (void)data;
    (void)pointer;
}

int reaction_set_unpack(const uint8_t *bytes, size_t length, reaction_set *set, uint8_t *memory, size_t memory_size) {
    arena a = {.bytes = memory, .size = memory_size, .used = 0};
    ProtobufCAllocator allocator = {.alloc = arena_allocate, .free = arena_free, .allocator_data = &a};
    wire_event *event = spillway__reactions__v1__reaction_event__unpack(&allocator, length, bytes);
    if (!event || event->event_case != SPILLWAY__REACTIONS__V1__REACTION_EVENT__EVENT_SET || !event->set) return 0;
    const wire_set *wire = event->set;
    *set = (reaction_set){
        .target_id = wire->target_id.data,
        .target_id_length = wire->target_id.len,
        .target_type = wire->target_type.data,
        .target_type_length = wire->target_type.len,
        .user_id = wire->user_id.data,
        .user_id_length = wire->user_id.len,
        .version = wire->version,
        .reaction = (uint32_t)wire->reaction,
        .origin = (uint32_t)wire->origin,
        .keep_previous = wire->keep_previous,
    };
    return 1;
}
