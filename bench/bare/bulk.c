// SPDX-License-Identifier: Apache-2.0
// bulk URL BODY…: posts prepared _bulk bodies, one file each, with two requests under way at once.
// The answer is read and not looked at, but for the HTTP status. The bound of an index that writes
// documents: no reading of rows, no making of bodies.

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN_FLIGHT = 2 };

struct request {
    CURL *curl;
    char *body;
};

static void give_up(const char *text, const char *detail)
{
    fprintf(stderr, "bulk: %s: %s\n", text, detail);
    exit(1);
}

static size_t ignore_answer(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static char *read_body(const char *path, long *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0 || (*size = ftell(file)) < 0) {
        give_up("cannot read", path);
    }
    rewind(file);
    char *body = malloc((size_t)*size + 1);
    if (!body || fread(body, 1, (size_t)*size, file) != (size_t)*size) {
        give_up("cannot read", path);
    }
    fclose(file);
    return body;
}

static void open_request(struct request *request, const char *url, struct curl_slist *headers)
{
    request->curl = curl_easy_init();
    curl_easy_setopt(request->curl, CURLOPT_URL, url);
    curl_easy_setopt(request->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(request->curl, CURLOPT_WRITEFUNCTION, ignore_answer);
    curl_easy_setopt(request->curl, CURLOPT_PRIVATE, request);
    curl_easy_setopt(request->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(request->curl, CURLOPT_FAILONERROR, 1L);
}

static void send_body(CURLM *multi, struct request *request, const char *path)
{
    long size = 0;
    free(request->body);
    request->body = read_body(path, &size);
    curl_easy_setopt(request->curl, CURLOPT_POSTFIELDS, request->body);
    curl_easy_setopt(request->curl, CURLOPT_POSTFIELDSIZE, size);
    curl_multi_add_handle(multi, request->curl);
}

// The request that is done, or NULL after a wait.
static struct request *next_done(CURLM *multi)
{
    int running = 0;
    int left = 0;
    curl_multi_perform(multi, &running);
    CURLMsg *message = curl_multi_info_read(multi, &left);
    if (!message) {
        curl_multi_poll(multi, NULL, 0, 1000, NULL);
        return NULL;
    }
    if (message->data.result != CURLE_OK) {
        give_up("a request failed", curl_easy_strerror(message->data.result));
    }
    struct request *request = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
    curl_multi_remove_handle(multi, message->easy_handle);
    return request;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bulk URL BODY...\n");
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/x-ndjson");
    headers = curl_slist_append(headers, "Expect:");
    struct request requests[IN_FLIGHT] = {0};
    int next = 2;
    int under_way = 0;
    for (; under_way < IN_FLIGHT && next < argc; under_way++) {
        open_request(&requests[under_way], argv[1], headers);
        send_body(multi, &requests[under_way], argv[next++]);
    }
    while (under_way > 0) {
        struct request *done = next_done(multi);
        if (done && next < argc) {
            send_body(multi, done, argv[next++]);
        } else if (done) {
            under_way--;
        }
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
        curl_easy_cleanup(requests[i].curl);
        free(requests[i].body);
    }
    curl_slist_free_all(headers);
    curl_multi_cleanup(multi);
    curl_global_cleanup();
    return 0;
}
