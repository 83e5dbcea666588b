// Reaction events as flat structs: packing into a caller's buffer, unpacking without an allocation of its own.
#ifndef REACTION_EVENTS_H
#define REACTION_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *target_id;
    size_t target_id_length;
    const uint8_t *target_type;
    size_t target_type_length;
    const uint8_t *user_id;
    size_t user_id_length;
    uint64_t version;
    uint32_t reaction;
    uint32_t origin;
    bool keep_previous;
} reaction_set;

// The bytes that packing takes.
size_t reaction_set_packed_size(const reaction_set *set);
// Packs into out, which has room for reaction_set_packed_size bytes; returns the bytes written.
size_t reaction_set_pack(const reaction_set *set, uint8_t *out);
// Unpacks into set, whose pointers then point into the arena, until its next use. Returns 1 if it is a reaction, 0 if
// the bytes are no event or a kind of event this version does not know, or the arena is too small.
int reaction_set_unpack(const uint8_t *bytes, size_t length, reaction_set *set, uint8_t *arena, size_t arena_size);

#endif
