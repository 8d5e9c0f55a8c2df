/*
 * The part of libjpeg-turbo that the decoder needs, compiled to WebAssembly: the rows of a JPEG as RGB, a few at a
 * time, and each kind of warning separately. libjpeg itself reports only its first warning, even if that one is
 * harmless. The host gets these reports and decides (../libjpeg.ts). One instance decodes one file.
 */
#include <stdio.h>
#include <stdlib.h>

#define JPEG_INTERNALS
#include <jinclude.h>
#include <jpeglib.h>
#include <jdhuff.h>
#include <jerror.h>

extern const char *const jpeg_std_message_table[];

#define IMPORT(name) __attribute__((import_module("host"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

/*
 * Ends the decoding with an exception in the host. The text is libjpeg's, with placeholders for the numbers
 * after it.
 */
IMPORT("fail") _Noreturn void host_fail(const char *text, const int *numbers, int is_out_of_memory);

/* So many unexpected bytes came before a restart marker. */
IMPORT("strayBytes") void host_stray_bytes(int count);

/*
 * The data of a scan has been read from `start` to `end`, and `leftover` more bytes are before the next marker.
 * `is_padded`: the last byte read is filled with ones. `zeros_are_plausible`: a long run of zero bytes may be data.
 */
IMPORT("scanEnd")
void host_scan_end(const unsigned char *start, const unsigned char *end, int leftover, int is_padded,
                   int zeros_are_plausible);

/* How both Huffman decoders start, in jdhuff.c and jdphuff.c. */
typedef struct {
  struct jpeg_entropy_decoder pub;
  bitread_perm_state bits;
} bit_reader;

static struct jpeg_decompress_struct jpeg;
static struct jpeg_error_mgr errors;
static void (*start_input_pass)(j_decompress_ptr);
static void (*start_scan)(j_decompress_ptr);
static void (*finish_input_pass)(j_decompress_ptr);
static const unsigned char *scan_start;
static int seen_components; /* one bit each */
static int is_doubtful;     /* the picture is whole only if every bit has come */

static _Noreturn void fail(j_common_ptr info)
{
  const struct jpeg_error_mgr *error = info->err;
  host_fail(jpeg_std_message_table[error->msg_code], error->msg_parm.i, error->msg_code == JERR_OUT_OF_MEMORY);
}

static void on_error(j_common_ptr info)
{
  fail(info);
}

static void on_message(j_common_ptr info, int level)
{
  if (level >= 0) return;
  switch (info->err->msg_code) {
  case JWRN_ADOBE_XFORM:   /* a colour transform of the future: taken as YCbCr */
  case JWRN_JFIF_MAJOR:    /* a JFIF version of the future */
  case JWRN_NOT_SEQUENTIAL: /* parameters of progressive scans in a sequential one: ignored */
    return;
  case JWRN_EXTRANEOUS_DATA: {
    /*
     * Directly after a scan they were checked when it ended. Elsewhere they may include a whole scan that
     * lost its header.
     */
    int marker = info->err->msg_parm.i[1];
    if (marker >= 0xd0 && marker <= 0xd7) host_stray_bytes(info->err->msg_parm.i[0]);
    else if (jpeg.input_scan_number > 0) is_doubtful = 1;
    return;
  }
  case JWRN_JPEG_EOF:
  case JWRN_BOGUS_PROGRESSION:
    is_doubtful = 1;
    return;
  default:
    fail(info);
  }
}

static void ignore(j_common_ptr info)
{
}

/*
 * Whether zero bytes could be data of this scan: blocks that change nothing, or areas as even as in a drawing. They
 * cannot be if a zero stands for a coefficient, because then dozens in every block would be the same. They cannot be
 * either if the scan refines coefficients, because then the next bit of all of them would be zero.
 */
static int zeros_are_plausible(void)
{
  if (jpeg.progressive_mode) {
    if (jpeg.Ss == 0) return 1;
    if (jpeg.Ah != 0) return 0;
    if (jpeg.Se - jpeg.Ss < DCTSIZE2 / 2) return 1;
  }
  for (int i = 0; i < jpeg.comps_in_scan; i++) {
    const JHUFF_TBL *table = jpeg.ac_huff_tbl_ptrs[jpeg.cur_comp_info[i]->ac_tbl_no];
    /* Codes of only zeros belong to the first symbol. Its lower half is the size of its coefficient. */
    if (table != NULL && (table->huffval[0] & 0x0f) != 0) return 0;
  }
  return 1;
}

static void on_scan_start(j_decompress_ptr info)
{
  scan_start = info->src->next_input_byte;
  start_scan(info);
}

/* The Huffman decoder exists by then, and is told when each scan starts. */
static void on_first_scan(j_decompress_ptr info)
{
  start_scan = info->entropy->start_pass;
  info->entropy->start_pass = on_scan_start;
  start_input_pass(info);
}

static void on_scan_end(j_decompress_ptr info)
{
  const bitread_perm_state *bits = &((bit_reader *)info->entropy)->bits;
  const unsigned char *at = info->src->next_input_byte;
  const unsigned char *end = at + info->src->bytes_in_buffer;
  int unread_bytes = bits->bits_left / 8;
  int padding = (1 << (bits->bits_left % 8)) - 1;
  int is_padded = ((bits->get_buffer >> (unread_bytes * 8)) & padding) == padding;
  int leftover = unread_bytes;
  for (; info->unread_marker == 0 && at < end; at++) {
    int next = at + 1 < end ? at[1] : 0;
    if (*at != 0xff || next == 0) leftover++;
    else if (next != 0xff) break;
  }
  for (int i = 0; i < info->comps_in_scan; i++) seen_components |= 1 << info->cur_comp_info[i]->component_index;
  host_scan_end(scan_start, info->src->next_input_byte - unread_bytes, leftover, is_padded, zeros_are_plausible());
  finish_input_pass(info);
}

/* Whether the scans so far contain the picture: something of every component, or everything. */
static int is_whole(int to_the_last_bit)
{
  for (int component = 0; component < jpeg.num_components; component++) {
    if (!(seen_components & (1 << component))) return 0;
    if (!jpeg.progressive_mode) continue;
    const int *missing_bits = jpeg.coef_bits[component];
    if (missing_bits[0] < 0) return 0;
    for (int i = 0; to_the_last_bit && i < DCTSIZE2; i++)
      if (missing_bits[i] != 0) return 0;
  }
  return 1;
}

EXPORT("allocate") void *allocate(size_t length)
{
  return malloc(length);
}

/* Reads as much as the first rows need. In a progressive file that is every scan. */
EXPORT("start") void start(const unsigned char *file, unsigned long length)
{
  errors.error_exit = on_error;
  errors.emit_message = on_message;
  errors.output_message = ignore;
  errors.reset_error_mgr = ignore;
  jpeg.err = &errors;
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, file, length);
  start_input_pass = jpeg.inputctl->start_input_pass;
  finish_input_pass = jpeg.inputctl->finish_input_pass;
  jpeg.inputctl->start_input_pass = on_first_scan;
  jpeg.inputctl->finish_input_pass = on_scan_end;
  jpeg_read_header(&jpeg, TRUE);
  jpeg.out_color_space = JCS_RGB;
  jpeg_start_decompress(&jpeg);
}

EXPORT("width") int width(void)
{
  return jpeg.output_width;
}

EXPORT("height") int height(void)
{
  return jpeg.output_height;
}

/* Writes the next rows to `to`, which has room for `rows`. */
EXPORT("readRows") void read_rows(unsigned char *to, int rows)
{
  while (rows > 0) {
    int read = jpeg_read_scanlines(&jpeg, &to, 1);
    to += read * jpeg.output_width * 3;
    rows -= read;
  }
}

/* Reads to the end of the image. Returns whether the picture was complete. */
EXPORT("finish") int finish(void)
{
  while (!jpeg.inputctl->eoi_reached) jpeg.inputctl->consume_input(&jpeg);
  return is_whole(is_doubtful);
}
