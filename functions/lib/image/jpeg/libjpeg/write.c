/*
 * The part of libjpeg-turbo that the encoder needs, compiled to WebAssembly: rows of RGB pixels become a baseline JPEG, a
 * few at a time. The host gets the bytes as they are ready (../encode.ts). One instance encodes one file.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

/* Bytes that the host gets at a time. */
#define OUTPUT_BYTES 65536

extern const char *const jpeg_std_message_table[];

#define IMPORT(name) __attribute__((import_module("host"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

/* Ends the encoding with an exception in the host. The text is libjpeg's. */
IMPORT("fail") _Noreturn void host_fail(const char *text);

/* The next bytes of the file, which are overwritten afterwards. */
IMPORT("take") void host_take(const unsigned char *bytes, int length);

static struct jpeg_compress_struct jpeg;
static struct jpeg_error_mgr errors;
static struct jpeg_destination_mgr destination;
static unsigned char *output;

static void fail(j_common_ptr info)
{
  host_fail(jpeg_std_message_table[info->err->msg_code]);
}

static void ignore(j_common_ptr info)
{
}

static void ignore_message(j_common_ptr info, int level)
{
}

static void reset(j_compress_ptr info)
{
  destination.next_output_byte = output;
  destination.free_in_buffer = OUTPUT_BYTES;
}

static void pass_on(j_compress_ptr info)
{
  host_take(output, OUTPUT_BYTES - destination.free_in_buffer);
  reset(info);
}

/* libjpeg calls this when the buffer is full. It has not counted the last bytes then. */
static boolean pass_all_on(j_compress_ptr info)
{
  host_take(output, OUTPUT_BYTES);
  reset(info);
  return TRUE;
}

EXPORT("allocate") void *allocate(size_t length)
{
  return malloc(length);
}

/* Passes on the first marker. Whatever describes the picture has to follow before the first rows. */
EXPORT("start") void start(int width, int height, int quality, int has_half_the_colors)
{
  errors.error_exit = fail;
  errors.emit_message = ignore_message;
  errors.output_message = ignore;
  errors.reset_error_mgr = ignore;
  jpeg.err = &errors;
  output = malloc(OUTPUT_BYTES);
  jpeg_create_compress(&jpeg);
  destination.init_destination = reset;
  destination.empty_output_buffer = pass_all_on;
  destination.term_destination = pass_on;
  jpeg.dest = &destination;
  jpeg.image_width = width;
  jpeg.image_height = height;
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = has_half_the_colors ? 2 : 1;
  jpeg.write_JFIF_header = FALSE;
  jpeg_start_compress(&jpeg, TRUE);
  pass_on(&jpeg);
}

/* Encodes the next rows. */
EXPORT("writeRows") void write_rows(unsigned char *from, int rows)
{
  for (; rows > 0; rows--) {
    jpeg_write_scanlines(&jpeg, &from, 1);
    from += jpeg.image_width * 3;
  }
}

/* Passes on the rest of the file. */
EXPORT("finish") void finish(void)
{
  jpeg_finish_compress(&jpeg);
}
