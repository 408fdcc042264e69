// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue"
)

// workload is a lab with the credential of the code that runs on a resource, through the
// identity endpoint of App Service.
func workload(t *testing.T, resource string) (azcore.TokenCredential, azcore.ClientOptions) {
	t.Helper()
	a := start(t)
	if resource == "" {
		return a.cred, a.options.ClientOptions
	}
	for _, r := range a.snap.Resources {
		if r.ID.Name() == resource {
			for name, value := range a.server.HostEnv(r.ID) {
				t.Setenv(name, value)
			}
			return must(azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: noRetry(a)})), noRetry(a)
		}
	}
	t.Fatalf("the demo tenant has no %s", resource)
	return nil, azcore.ClientOptions{}
}

func noRetry(a *azure) azcore.ClientOptions {
	o := a.options.ClientOptions
	o.Retry = policy.RetryOptions{MaxRetries: -1}
	return o
}

// refused checks the error of a client: its status and the code that the client reads.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	var e *azcore.ResponseError
	if !errors.As(err, &e) || e.StatusCode != status || e.ErrorCode != code {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

func TestSecretsOfWorkload(t *testing.T) {
	cred, options := workload(t, "orders-api")
	c := must(azsecrets.NewClient("https://orders-kv.vault.azure.net", cred, &azsecrets.ClientOptions{ClientOptions: options}))
	got, err := c.GetSecret(t.Context(), "stripe-key", "", nil)
	if err != nil || got.Value == nil || *got.Value == "" || got.ID.Name() != "stripe-key" || got.ID.Version() == "" {
		t.Fatalf("%v %+v", err, got)
	}
	_, err = c.GetSecret(t.Context(), "erp-token", "", nil)
	refused(t, err, http.StatusForbidden, "Forbidden")
	_, err = c.SetSecret(t.Context(), "stripe-key", azsecrets.SetSecretParameters{Value: new("x")}, nil)
	refused(t, err, http.StatusForbidden, "Forbidden")
}

func TestSecretsAndKeys(t *testing.T) {
	cred, options := workload(t, "")
	c := must(azsecrets.NewClient("https://orders-kv.vault.azure.net", cred, &azsecrets.ClientOptions{ClientOptions: options}))
	set, err := c.SetSecret(t.Context(), "fresh", azsecrets.SetSecretParameters{Value: new("v"), Tags: map[string]*string{"a": new("b")}}, nil)
	if err != nil || *set.Value != "v" || *set.Tags["a"] != "b" {
		t.Fatalf("%v %+v", err, set)
	}
	names := map[string]bool{}
	for _, s := range all(t, c.NewListSecretPropertiesPager(nil), func(p azsecrets.ListSecretPropertiesResponse) []*azsecrets.SecretProperties { return p.Value }) {
		names[s.ID.Name()] = true
	}
	if len(names) != 4 || !names["fresh"] || !names["erp-token"] {
		t.Errorf("%v", names)
	}
	if _, err := c.DeleteSecret(t.Context(), "fresh", nil); err != nil {
		t.Error(err)
	}
	k := must(azkeys.NewClient("https://orders-kv.vault.azure.net", cred, &azkeys.ClientOptions{ClientOptions: options}))
	made, err := k.CreateKey(t.Context(), "signer", azkeys.CreateKeyParameters{Kty: new(azkeys.KeyTypeRSA)}, nil)
	if err != nil || made.Key.KID.Name() != "signer" || len(made.Key.N) != 256 {
		t.Errorf("%v %+v", err, made)
	}
}

func TestBlobsOfWorkload(t *testing.T) {
	cred, options := workload(t, "catalog-web")
	c := must(azblob.NewClient("https://shopcontent.blob.core.windows.net", cred, &azblob.ClientOptions{ClientOptions: options}))
	_, err := c.UploadBuffer(t.Context(), "pictures", "a.png", []byte("x"), nil)
	if !bloberror.HasCode(err, bloberror.AuthorizationPermissionMismatch) {
		t.Errorf("%v", err)
	}
	_, err = c.DownloadStream(t.Context(), "pictures", "a.png", nil)
	if !bloberror.HasCode(err, bloberror.BlobNotFound) {
		t.Errorf("%v", err)
	}
	for p := c.NewListBlobsFlatPager("pictures", nil); p.More(); {
		if page, err := p.NextPage(t.Context()); err != nil || len(page.Segment.BlobItems) != 0 {
			t.Fatalf("%v %+v", err, page)
		}
	}
}

func TestBlobs(t *testing.T) {
	cred, options := workload(t, "")
	c := must(azblob.NewClient("https://shopcontent.blob.core.windows.net", cred, &azblob.ClientOptions{ClientOptions: options}))
	data := bytes.Repeat([]byte("0123456789"), 1000)
	if _, err := c.UploadBuffer(t.Context(), "pictures", "dir/a.png", data, nil); err != nil {
		t.Fatal(err)
	}
	res, err := c.DownloadStream(t.Context(), "pictures", "dir/a.png", &azblob.DownloadStreamOptions{Range: azblob.HTTPRange{Offset: 5, Count: 10}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if err != nil || string(got) != "5678901234" || res.ETag == nil || res.LastModified == nil {
		t.Errorf("%v %q", err, got)
	}
	blobs := 0
	for p := c.NewListBlobsFlatPager("pictures", nil); p.More(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Segment.BlobItems {
			blobs++
			if *b.Name != "dir/a.png" || *b.Properties.ContentLength != int64(len(data)) || b.Properties.LastModified == nil {
				t.Errorf("%+v", b)
			}
		}
	}
	containers := 0
	for p := c.NewListContainersPager(nil); p.More(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		containers += len(page.ContainerItems)
	}
	if blobs != 1 || containers == 0 {
		t.Errorf("%d blobs, %d containers", blobs, containers)
	}
	_, err = c.DeleteBlob(t.Context(), "pictures", "dir/a.png", &azblob.DeleteBlobOptions{AccessConditions: &azblob.AccessConditions{
		ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: new(azcore.ETag(`"0x0"`))},
	}})
	if !bloberror.HasCode(err, bloberror.ConditionNotMet) {
		t.Errorf("%v", err)
	}
	if _, err := c.DeleteBlob(t.Context(), "pictures", "dir/a.png", nil); err != nil {
		t.Error(err)
	}
}

func TestQueue(t *testing.T) {
	cred, options := workload(t, "")
	s := must(azqueue.NewServiceClient("https://shopcontent.queue.core.windows.net", cred, &azqueue.ClientOptions{ClientOptions: options}))
	if _, err := s.CreateQueue(t.Context(), "jobs", nil); err != nil {
		t.Fatal(err)
	}
	q := s.NewQueueClient("jobs")
	if _, err := q.EnqueueMessage(t.Context(), "hello", nil); err != nil {
		t.Fatal(err)
	}
	got, err := q.DequeueMessage(t.Context(), nil)
	if err != nil || len(got.Messages) != 1 || *got.Messages[0].MessageText != "hello" || *got.Messages[0].DequeueCount != 1 {
		t.Fatalf("%v %+v", err, got)
	}
	if _, err := q.DeleteMessage(t.Context(), *got.Messages[0].MessageID, *got.Messages[0].PopReceipt, nil); err != nil {
		t.Error(err)
	}
}

// A workload has no rights that its resource has not.
func TestQueueOfWorkload(t *testing.T) {
	cred, options := workload(t, "catalog-web")
	q := must(azqueue.NewQueueClient("https://shopcontent.queue.core.windows.net/jobs", cred, &azqueue.ClientOptions{ClientOptions: options}))
	_, err := q.EnqueueMessage(t.Context(), "hello", nil)
	refused(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
}
