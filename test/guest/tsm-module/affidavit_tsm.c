// SPDX-License-Identifier: GPL-2.0
/*
 * INSECURE, for tests: a provider of configfs-tsm whose secure processor is a program of the host. What it signs says
 * nothing about any machine. Everything between the reader and the provider is the kernel's own.
 *
 * Takes the virtio console device (unbind it from virtio_console first) as a stream of bytes. Without the device no
 * provider is registered. All numbers are little-endian, 32 bits:
 *
 *	request = sequence, REPORT_DATA (64 bytes)
 *	answer  = sequence, status (0, or not), length of outblob, length of auxblob, outblob, auxblob
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/tsm.h>
#include <linux/unaligned.h>
#include <linux/version.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
typedef struct tsm_report_ops provider_ops;
typedef struct tsm_report report_t;
#define register_provider tsm_report_register
#define unregister_provider tsm_report_unregister
#else
typedef struct tsm_ops provider_ops;
typedef struct tsm_report report_t;
#define register_provider tsm_register
#define unregister_provider tsm_unregister
#endif

#define REPORT_DATA_BYTES 64
#define SNP_REPORT_BYTES 1184
#define REQUEST_BYTES (4 + REPORT_DATA_BYTES)
#define HEADER_BYTES 16
#define BLOB_MAX SZ_32K
#define CHUNK_BYTES SZ_4K

static char *provider = "sev_guest";
module_param(provider, charp, 0444);
MODULE_PARM_DESC(provider, "name of the provider: sev_guest or tdx_guest");

static unsigned int timeout_ms = 30000;
module_param(timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "how long the host may take for an answer");

struct answer {
	u32 sequence;
	u32 status;
	u32 outblob_len;
	u32 auxblob_len;
};

struct processor {
	struct virtqueue *in;
	struct virtqueue *out;
	struct completion received;
	struct completion sent;
	/* What the device reads and writes. */
	u8 *request;
	u8 *chunk;
	/* Of the chunk, what has come and what was taken of it. */
	unsigned int have;
	unsigned int taken;
	bool chunk_is_queued;
	/* Set when it is not known where the next answer begins. */
	bool out_of_step;
	u32 sequence;
};

static bool is_snp(void)
{
	return strcmp(provider, "sev_guest") == 0;
}

static void on_received(struct virtqueue *in)
{
	struct processor *p = in->vdev->priv;

	complete(&p->received);
}

static void on_sent(struct virtqueue *out)
{
	struct processor *p = out->vdev->priv;

	complete(&p->sent);
}

/* Hands the empty chunk to the device. */
static int queue_chunk(struct processor *p)
{
	struct scatterlist list;
	int error;

	sg_init_one(&list, p->chunk, CHUNK_BYTES);
	error = virtqueue_add_inbuf(p->in, &list, 1, p, GFP_KERNEL);
	if (error)
		return error;
	p->have = 0;
	p->taken = 0;
	p->chunk_is_queued = true;
	virtqueue_kick(p->in);
	return 0;
}

static int wait_until(struct completion *done, unsigned long deadline)
{
	long left = (long)(deadline - jiffies);
	long result;

	if (left <= 0)
		return -ETIMEDOUT;
	result = wait_for_completion_killable_timeout(done, left);
	if (result < 0)
		return result;
	return result == 0 ? -ETIMEDOUT : 0;
}

/* Waits for a chunk with bytes that nobody has taken. */
static int fill_chunk(struct processor *p, unsigned long deadline)
{
	while (p->taken == p->have) {
		unsigned int length;
		int error = p->chunk_is_queued ? 0 : queue_chunk(p);

		if (error)
			return error;
		if (!virtqueue_get_buf(p->in, &length)) {
			error = wait_until(&p->received, deadline);
			if (error)
				return error;
			continue;
		}
		p->chunk_is_queued = false;
		p->have = min_t(unsigned int, length, CHUNK_BYTES);
		p->taken = 0;
	}
	return 0;
}

/* Takes bytes of an answer that has begun; `to` is NULL for those that nobody wants. */
static int take(struct processor *p, u8 *to, size_t length, unsigned long deadline)
{
	while (length > 0) {
		size_t now;
		int error = fill_chunk(p, deadline);

		if (error) {
			p->out_of_step = true;
			return error;
		}
		now = min_t(size_t, length, p->have - p->taken);
		if (to) {
			memcpy(to, p->chunk + p->taken, now);
			to += now;
		}
		p->taken += now;
		length -= now;
	}
	return 0;
}

static int send_request(struct processor *p, const u8 *report_data, unsigned long deadline)
{
	struct scatterlist list;
	unsigned int length;
	int error;

	put_unaligned_le32(++p->sequence, p->request);
	memcpy(p->request + 4, report_data, REPORT_DATA_BYTES);
	sg_init_one(&list, p->request, REQUEST_BYTES);
	reinit_completion(&p->sent);
	error = virtqueue_add_outbuf(p->out, &list, 1, p, GFP_KERNEL);
	if (error)
		return error;
	virtqueue_kick(p->out);
	while (!virtqueue_get_buf(p->out, &length)) {
		error = wait_until(&p->sent, deadline);
		if (error) {
			/* The device still has the request: it may not be written again. */
			p->out_of_step = true;
			return error;
		}
	}
	return 0;
}

static int take_header(struct processor *p, struct answer *found, unsigned long deadline)
{
	u8 header[HEADER_BYTES];
	/* An answer that has not begun can be passed over when it comes. */
	int error = fill_chunk(p, deadline);

	if (!error)
		error = take(p, header, sizeof(header), deadline);
	if (error)
		return error;
	found->sequence = get_unaligned_le32(header);
	found->status = get_unaligned_le32(header + 4);
	found->outblob_len = get_unaligned_le32(header + 8);
	found->auxblob_len = get_unaligned_le32(header + 12);
	if (found->outblob_len <= BLOB_MAX && found->auxblob_len <= BLOB_MAX)
		return 0;
	p->out_of_step = true;
	return -EIO;
}

/* Header of the answer to the last request; late answers to earlier ones are passed over. */
static int take_own_header(struct processor *p, struct answer *found, unsigned long deadline)
{
	for (;;) {
		int error = take_header(p, found, deadline);

		if (error || found->sequence == p->sequence)
			return error;
		error = take(p, NULL, found->outblob_len + found->auxblob_len, deadline);
		if (error)
			return error;
	}
}

static bool lengths_are_right(const struct answer *found)
{
	if (is_snp())
		return found->outblob_len == SNP_REPORT_BYTES;
	return found->outblob_len > 0 && found->auxblob_len == 0;
}

static int take_blob(struct processor *p, u8 **blob, size_t length, unsigned long deadline)
{
	u8 *bytes;
	int error;

	*blob = NULL;
	if (length == 0)
		return 0;
	bytes = kvzalloc(length, GFP_KERNEL);
	if (!bytes) {
		p->out_of_step = true;
		return -ENOMEM;
	}
	error = take(p, bytes, length, deadline);
	if (error) {
		kvfree(bytes);
		return error;
	}
	*blob = bytes;
	return 0;
}

static int take_blobs(struct processor *p, const struct answer *found, report_t *report,
		      unsigned long deadline)
{
	u8 *outblob, *auxblob;
	int error = take_blob(p, &outblob, found->outblob_len, deadline);

	if (error)
		return error;
	error = take_blob(p, &auxblob, found->auxblob_len, deadline);
	if (error) {
		kvfree(outblob);
		return error;
	}
	if (found->status != 0 || !lengths_are_right(found)) {
		kvfree(outblob);
		kvfree(auxblob);
		return -EIO;
	}
	report->outblob = outblob;
	report->outblob_len = found->outblob_len;
	report->auxblob = auxblob;
	report->auxblob_len = found->auxblob_len;
	return 0;
}

static int take_answer(struct processor *p, report_t *report, unsigned long deadline)
{
	struct answer found;
	int error;

	reinit_completion(&p->received);
	error = take_own_header(p, &found, deadline);
	return error ? error : take_blobs(p, &found, report, deadline);
}

/* configfs-tsm calls this for one report at a time. */
static int report_new(report_t *report, void *data)
{
	struct processor *p = data;
	unsigned long deadline = jiffies + msecs_to_jiffies(timeout_ms);
	int error;

	if (report->desc.inblob_len != REPORT_DATA_BYTES)
		return -EINVAL;
	if (p->out_of_step)
		return -EIO;
	error = send_request(p, report->desc.inblob, deadline);
	return error ? error : take_answer(p, report, deadline);
}

/* As sev-guest shows them without an SVSM, and tdx-guest. */
static bool attr_visible(int n)
{
	switch (n) {
	case TSM_REPORT_GENERATION:
	case TSM_REPORT_PROVIDER:
		return true;
	case TSM_REPORT_PRIVLEVEL:
	case TSM_REPORT_PRIVLEVEL_FLOOR:
		return is_snp();
	}
	return false;
}

static bool bin_attr_visible(int n)
{
	switch (n) {
	case TSM_REPORT_INBLOB:
	case TSM_REPORT_OUTBLOB:
		return true;
	case TSM_REPORT_AUXBLOB:
		return is_snp();
	}
	return false;
}

static provider_ops ops = {
	.privlevel_floor = 0,
	.report_new = report_new,
	.report_attr_visible = attr_visible,
	.report_bin_attr_visible = bin_attr_visible,
};

static int find_queues(struct virtio_device *device, struct virtqueue *queues[2])
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	struct virtqueue_info wanted[] = { { "input", on_received }, { "output", on_sent } };

	return virtio_find_vqs(device, 2, queues, wanted, NULL);
#else
	vq_callback_t *callbacks[] = { on_received, on_sent };
	static const char * const names[] = { "input", "output" };

	return virtio_find_vqs(device, 2, queues, callbacks, names, NULL);
#endif
}

static void free_processor(struct processor *p)
{
	kfree(p->request);
	kfree(p->chunk);
	kfree(p);
}

static struct processor *new_processor(void)
{
	struct processor *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->request = kmalloc(REQUEST_BYTES, GFP_KERNEL);
	p->chunk = kmalloc(CHUNK_BYTES, GFP_KERNEL);
	if (!p->request || !p->chunk) {
		free_processor(p);
		return NULL;
	}
	init_completion(&p->received);
	init_completion(&p->sent);
	return p;
}

static int tsm_probe(struct virtio_device *device)
{
	struct virtqueue *queues[2];
	struct processor *p = new_processor();
	int error;

	if (!p)
		return -ENOMEM;
	device->priv = p;
	error = find_queues(device, queues);
	if (error)
		goto free;
	p->in = queues[0];
	p->out = queues[1];
	virtio_device_ready(device);
	ops.name = provider;
	error = register_provider(&ops, p);
	if (!error)
		return 0;
	virtio_reset_device(device);
	device->config->del_vqs(device);
free:
	free_processor(p);
	return error;
}

static void tsm_remove(struct virtio_device *device)
{
	struct processor *p = device->priv;

	unregister_provider(&ops);
	virtio_reset_device(device);
	device->config->del_vqs(device);
	free_processor(p);
}

static const struct virtio_device_id ids[] = {
	{ VIRTIO_ID_CONSOLE, VIRTIO_DEV_ANY_ID },
	{ 0 },
};

static struct virtio_driver driver = {
	.driver.name = "affidavit_tsm",
	.id_table = ids,
	.probe = tsm_probe,
	.remove = tsm_remove,
};

static int __init tsm_init(void)
{
	if (!is_snp() && strcmp(provider, "tdx_guest") != 0)
		return -EINVAL;
	return register_virtio_driver(&driver);
}

static void __exit tsm_exit(void)
{
	unregister_virtio_driver(&driver);
}

module_init(tsm_init);
module_exit(tsm_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("INSECURE provider of configfs-tsm that asks the host, for tests");
