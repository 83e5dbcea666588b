#ifndef SPILLWAY_ROCKSDB_H
#define SPILLWAY_ROCKSDB_H
#ifdef __cplusplus
extern "C" {
#endif

int spillway_rocksdb_version(void);

#ifdef __cplusplus
}
#endif
#endif
