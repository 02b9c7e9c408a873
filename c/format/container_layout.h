/* Numbers of the container's layout, for its reader and its writer.  All are little-endian. */
#ifndef PG_CONTAINER_LAYOUT_H
#define PG_CONTAINER_LAYOUT_H

/* As PNG's: a byte that no text has, line ends that transfers spoil, an end of file. */
#define CONTAINER_MAGIC "\x89PGE\r\n\x1a\n"
#define CONTAINER_DATA "data" /* where tensors of the structure say that their elements are */

enum {
  CONTAINER_VERSION = 1,
  CONTAINER_HEAD =
      32, /* magic, version u32, sections u32, file size u64, directory's checksum u64 */
  CONTAINER_ROW = 40,   /* name, offset u64, size u64, checksum u64, flags u32, 0 u32 */
  CONTAINER_ENTRY = 24, /* of the index: offset in "data" u64, size u64, checksum u64 */
  CONTAINER_ALIGN = 64,
  CONTAINER_LEAVES = 256, /* least bytes of a tensor in "data" */
  CONTAINER_MOST = 4096   /* sections */
};

#endif
