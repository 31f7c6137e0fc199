/* A disk below SQLite that fails on demand, and one whose power is cut. It takes the place of the default VFS and hands
 * everything on to it, but for syncs, which cost time and prove nothing here. Include behind cmocka.h, in one file.
 *
 * Two kinds of fault: the n-th write, sync or truncate fails (once, or from then on); at the n-th of all of these the
 * power is cut: nothing goes any more, and vfs_after_cut leaves each file as what was synced plus any part of what was
 * not, in sectors, as the disk may have written them. */
#ifndef QLSTM_TESTS_VFS_FAULTS_H
#define QLSTM_TESTS_VFS_FAULTS_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum vfs_kind { VFS_WRITE, VFS_SYNC, VFS_TRUNCATE, VFS_KINDS };
enum { VFS_FILES = 8, VFS_SECTOR = 512 };

/* What was done to a file since its last sync. */
struct vfs_pending {
	bool truncates;
	sqlite3_int64 offset;
	int length;
	unsigned char *bytes;
};

struct vfs_image {
	char path[512];
	unsigned char *durable;
	sqlite3_int64 size;
	struct vfs_pending *pending;
	int n_pending;
};

static struct {
	sqlite3_vfs vfs, *real;
	sqlite3_io_methods methods;
	pthread_mutex_t lock;
	/* The fault: of this kind (VFS_KINDS: the power goes at any), after so many; negative: none. */
	enum vfs_kind kind;
	int left, code;
	bool persists, happened, records, dead;
	struct vfs_image images[VFS_FILES];
} faulty = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = -1};

struct vfs_file {
	sqlite3_file base;
	struct vfs_image *image; /* NULL: not recorded */
	sqlite3_file *real;      /* behind this struct */
};

static inline sqlite3_file *vfs_real(sqlite3_file *file)
{
	return ((struct vfs_file *)file)->real;
}

/* Under the lock: the code of the fault that happens now, or 0. */
static inline int vfs_fault(enum vfs_kind kind)
{
	if (faulty.dead)
		return SQLITE_IOERR;
	if (faulty.left < 0 || (faulty.kind != VFS_KINDS && faulty.kind != kind))
		return 0;
	if (faulty.left > 0) {
		faulty.left--;
		return 0;
	}
	faulty.happened = true;
	faulty.dead = faulty.kind == VFS_KINDS;
	if (!faulty.persists)
		faulty.left = -1;
	return faulty.dead ? SQLITE_IOERR : faulty.code;
}

static inline void vfs_note(struct vfs_image *image, struct vfs_pending pending, const void *bytes)
{
	if (image == NULL)
		return;
	image->pending = realloc(image->pending, (size_t)(image->n_pending + 1) * sizeof *image->pending);
	assert_non_null(image->pending);
	if (bytes != NULL) {
		pending.bytes = malloc((size_t)pending.length);
		assert_non_null(pending.bytes);
		memcpy(pending.bytes, bytes, (size_t)pending.length);
	}
	image->pending[image->n_pending++] = pending;
}

static inline void vfs_grow(struct vfs_image *image, sqlite3_int64 size)
{
	if (size <= image->size)
		return;
	image->durable = realloc(image->durable, (size_t)size);
	assert_non_null(image->durable);
	memset(image->durable + image->size, 0, (size_t)(size - image->size));
	image->size = size;
}

/* Makes a part of what is pending durable: all of it, or each sector that `keep` says. */
static inline void vfs_apply(struct vfs_image *image, bool (*keep)(void))
{
	for (int i = 0; i < image->n_pending; i++) {
		struct vfs_pending *pending = &image->pending[i];
		if (pending->truncates && (keep == NULL || keep()) && pending->offset < image->size)
			image->size = pending->offset;
		for (int at = 0; !pending->truncates && at < pending->length; at += VFS_SECTOR) {
			int length = pending->length - at < VFS_SECTOR ? pending->length - at : VFS_SECTOR;
			if (keep != NULL && !keep())
				continue;
			vfs_grow(image, pending->offset + at + length);
			memcpy(image->durable + pending->offset + at, pending->bytes + at, (size_t)length);
		}
		free(pending->bytes);
	}
	free(image->pending);
	image->pending = NULL;
	image->n_pending = 0;
}

static inline int vfs_close(sqlite3_file *file)
{
	sqlite3_file *real = vfs_real(file);
	return real->pMethods != NULL ? real->pMethods->xClose(real) : SQLITE_OK;
}

static inline int vfs_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset)
{
	return vfs_real(file)->pMethods->xRead(vfs_real(file), bytes, length, offset);
}

static inline int vfs_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset)
{
	pthread_mutex_lock(&faulty.lock);
	int rc = vfs_fault(VFS_WRITE);
	if (rc == 0)
		vfs_note(((struct vfs_file *)file)->image, (struct vfs_pending){false, offset, length, NULL}, bytes);
	pthread_mutex_unlock(&faulty.lock);
	return rc != 0 ? rc : vfs_real(file)->pMethods->xWrite(vfs_real(file), bytes, length, offset);
}

static inline int vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	pthread_mutex_lock(&faulty.lock);
	int rc = vfs_fault(VFS_TRUNCATE);
	if (rc == 0)
		vfs_note(((struct vfs_file *)file)->image, (struct vfs_pending){true, size, 0, NULL}, NULL);
	pthread_mutex_unlock(&faulty.lock);
	return rc != 0 ? rc : vfs_real(file)->pMethods->xTruncate(vfs_real(file), size);
}

static inline int vfs_sync(sqlite3_file *file, int flags)
{
	(void)flags;
	pthread_mutex_lock(&faulty.lock);
	int rc = vfs_fault(VFS_SYNC);
	if (rc == 0 && ((struct vfs_file *)file)->image != NULL)
		vfs_apply(((struct vfs_file *)file)->image, NULL);
	pthread_mutex_unlock(&faulty.lock);
	return rc;
}

#define VFS_FORWARD(name, parameters, arguments)                                                                       \
	static inline int vfs_##name parameters                                                                        \
	{                                                                                                              \
		return vfs_real(file)->pMethods->name arguments;                                                       \
	}
VFS_FORWARD(xFileSize, (sqlite3_file * file, sqlite3_int64 *size), (vfs_real(file), size))
VFS_FORWARD(xLock, (sqlite3_file * file, int level), (vfs_real(file), level))
VFS_FORWARD(xUnlock, (sqlite3_file * file, int level), (vfs_real(file), level))
VFS_FORWARD(xCheckReservedLock, (sqlite3_file * file, int *out), (vfs_real(file), out))
VFS_FORWARD(xFileControl, (sqlite3_file * file, int what, void *argument), (vfs_real(file), what, argument))
VFS_FORWARD(xSectorSize, (sqlite3_file * file), (vfs_real(file)))
VFS_FORWARD(xShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **out),
            (vfs_real(file), page, size, extend, out))
VFS_FORWARD(xShmLock, (sqlite3_file * file, int offset, int n, int flags), (vfs_real(file), offset, n, flags))
VFS_FORWARD(xShmUnmap, (sqlite3_file * file, int remove), (vfs_real(file), remove))

static inline int vfs_device(sqlite3_file *file)
{
	(void)file;
	return 0; /* nothing is promised: no atomic writes, no order */
}

static inline void vfs_barrier(sqlite3_file *file)
{
	vfs_real(file)->pMethods->xShmBarrier(vfs_real(file));
}

/* The image of a path; a new one begins with what the file has. */
static inline struct vfs_image *vfs_image(const char *path)
{
	struct vfs_image *unused = NULL;
	for (int i = 0; i < VFS_FILES; i++) {
		if (strcmp(faulty.images[i].path, path) == 0)
			return &faulty.images[i];
		if (faulty.images[i].path[0] == '\0' && unused == NULL)
			unused = &faulty.images[i];
	}
	assert_non_null(unused);
	snprintf(unused->path, sizeof unused->path, "%s", path);
	FILE *file = fopen(path, "rb");
	if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
		long size = ftell(file);
		vfs_grow(unused, size);
		rewind(file);
		assert_int_equal(fread(unused->durable, 1, (size_t)size, file), (size_t)size);
	}
	if (file != NULL)
		fclose(file);
	return unused;
}

static inline int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	(void)vfs;
	struct vfs_file *mine = (struct vfs_file *)file;
	mine->real = (sqlite3_file *)(mine + 1);
	mine->image = NULL;
	int rc = faulty.real->xOpen(faulty.real, name, mine->real, flags, out);
	mine->base.pMethods = mine->real->pMethods != NULL ? &faulty.methods : NULL;
	pthread_mutex_lock(&faulty.lock);
	if (rc == SQLITE_OK && faulty.records && name != NULL)
		mine->image = vfs_image(name);
	pthread_mutex_unlock(&faulty.lock);
	return rc;
}

static inline void vfs_forget(struct vfs_image *image)
{
	for (int i = 0; i < image->n_pending; i++)
		free(image->pending[i].bytes);
	free(image->pending);
	free(image->durable);
	*image = (struct vfs_image){0};
}

static inline int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	pthread_mutex_lock(&faulty.lock);
	bool dead = faulty.dead;
	for (int i = 0; !dead && i < VFS_FILES; i++)
		if (strcmp(faulty.images[i].path, name) == 0)
			vfs_forget(&faulty.images[i]);
	pthread_mutex_unlock(&faulty.lock);
	return dead ? SQLITE_IOERR_DELETE : faulty.real->xDelete(faulty.real, name, sync);
}

static inline void vfs_install(void)
{
	faulty.real = sqlite3_vfs_find(NULL);
	faulty.vfs = *faulty.real;
	faulty.vfs.zName = "faulty";
	faulty.vfs.szOsFile += (int)sizeof(struct vfs_file);
	faulty.vfs.xOpen = vfs_open;
	faulty.vfs.xDelete = vfs_delete;
	faulty.methods = (sqlite3_io_methods){.iVersion = 2,
	                                      .xClose = vfs_close,
	                                      .xRead = vfs_read,
	                                      .xWrite = vfs_write,
	                                      .xTruncate = vfs_truncate,
	                                      .xSync = vfs_sync,
	                                      .xFileSize = vfs_xFileSize,
	                                      .xLock = vfs_xLock,
	                                      .xUnlock = vfs_xUnlock,
	                                      .xCheckReservedLock = vfs_xCheckReservedLock,
	                                      .xFileControl = vfs_xFileControl,
	                                      .xSectorSize = vfs_xSectorSize,
	                                      .xDeviceCharacteristics = vfs_device,
	                                      .xShmMap = vfs_xShmMap,
	                                      .xShmLock = vfs_xShmLock,
	                                      .xShmBarrier = vfs_barrier,
	                                      .xShmUnmap = vfs_xShmUnmap};
	assert_int_equal(sqlite3_vfs_register(&faulty.vfs, 1), SQLITE_OK);
}

/* The n-th (from 0) operation of that kind fails with `code`. */
static inline void vfs_fail(enum vfs_kind kind, int n, int code, bool persists)
{
	faulty.kind = kind;
	faulty.left = n;
	faulty.code = code;
	faulty.persists = persists;
	faulty.happened = false;
}

/* The power goes at the n-th operation of any kind. */
static inline void vfs_cut(int n)
{
	vfs_fail(VFS_KINDS, n, 0, false);
	faulty.records = true;
}

/* No fault any more; true when there was one. */
static inline bool vfs_mend(void)
{
	faulty.left = -1;
	faulty.persists = false;
	return faulty.happened;
}

/* With all connections closed: the files as the power left them. `keep` as in vfs_apply; the power is back. */
static inline void vfs_after_cut(bool (*keep)(void))
{
	for (int i = 0; i < VFS_FILES; i++) {
		struct vfs_image *image = &faulty.images[i];
		if (image->path[0] == '\0')
			continue;
		vfs_apply(image, keep);
		FILE *file = fopen(image->path, "wb");
		assert_non_null(file);
		if (image->size > 0)
			assert_int_equal(fwrite(image->durable, 1, (size_t)image->size, file), (size_t)image->size);
		fclose(file);
		vfs_forget(image);
	}
	faulty.dead = faulty.records = false;
}

#endif
