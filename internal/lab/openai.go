// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/mivet/mivet"
)

// modelVerbs are the calls of a model that the lab knows: what the body must have, and
// what the operation ends in.
var modelVerbs = map[string]struct{ needs, right, name string }{
	"chat/completions": {"messages", "chat/completions/action", "ChatCompletions_Create"},
	"completions":      {"prompt", "completions/action", "Completions_Create"},
	"embeddings":       {"input", "embeddings/action", "Embeddings_Create"},
}

func (q *dataRequest) modelFail(status int, code, message string) {
	writeJSON(q.w, status, object{"error": object{"code": code, "message": message}})
}

// serveModel answers as NAME.openai.azure.com does, without a model: what it would say is
// one sentence (learn.microsoft.com/azure/ai-foundry/openai/reference).
func (q *dataRequest) serveModel(err error) {
	rest, ok := strings.CutPrefix(strings.Join(q.parts, "/"), "openai/deployments/")
	deployment, path, _ := strings.Cut(rest, "/")
	verb, known := modelVerbs[path]
	switch {
	case q.at == nil:
		// In Azure there would be no such host.
		q.modelFail(http.StatusNotFound, "404", "The lab has no account '"+q.name+"'.")
	case q.outside() == "connection":
		// TabularEditor/TabularEditor3 issue 1557 has the words.
		q.modelFail(http.StatusForbidden, "403", "Public access is disabled. Please configure private endpoint.")
	case q.outside() != "":
		// Azure-Samples/azure-sql-db-chatbot issue 3 has the body.
		q.modelFail(http.StatusForbidden, "403", "Access denied due to Virtual Network/Firewall rules.")
	case err != nil:
		q.modelFail(http.StatusUnauthorized, "401", "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired.")
	case !ok || !known || deployment == "" || q.r.Method != http.MethodPost:
		q.modelFail(http.StatusNotFound, "404", "Resource not found")
	default:
		q.act.name, q.act.target = verb.name, deployment
		q.callModel(deployment, verb.needs, verb.right, path)
	}
}

// callModel decides first, and looks then what is called.
func (q *dataRequest) callModel(deployment, needs, right, path string) {
	right = aiType + "/OpenAI/deployments/" + right
	if !q.may(right, mivet.PlaneData, q.child("deployments/"+deployment), nil) {
		// microsoft/ai-agent-evals issue 43 and MicrosoftDocs/azure-docs issue 114370 have the
		// words and the status, which is not 403.
		q.modelFail(http.StatusUnauthorized, "PermissionDenied", fmt.Sprintf(
			"The principal `%s` lacks the required data action `%s` to perform `POST /openai/deployments/{deployment-id}/%s` operation.", q.c.OID, right, path))
		return
	}
	exists := false
	for _, t := range q.world.childrenOf(q.at.id, aiType+"/deployments") {
		exists = exists || strings.EqualFold(t.id.Name(), deployment)
	}
	if !exists {
		q.modelFail(http.StatusNotFound, "DeploymentNotFound",
			"The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.")
		return
	}
	var body object
	if err := json.NewDecoder(q.r.Body).Decode(&body); err != nil || body[needs] == nil {
		// Azure-Samples/azure-search-openai-demo issue 118.
		writeJSON(q.w, http.StatusBadRequest, object{"error": object{
			"message": "'" + needs + "' is a required property", "type": "invalid_request_error", "param": nil, "code": nil,
		}})
		return
	}
	usage := object{"prompt_tokens": 1, "total_tokens": 1}
	switch needs {
	case "messages":
		writeJSON(q.w, http.StatusOK, object{"object": "chat.completion", "model": deployment, "usage": usage, "choices": []any{
			object{"index": 0, "finish_reason": "stop", "message": object{"role": "assistant", "content": "The lab has no model."}},
		}})
	case "prompt":
		writeJSON(q.w, http.StatusOK, object{"object": "text_completion", "model": deployment, "usage": usage, "choices": []any{
			object{"index": 0, "finish_reason": "stop", "text": "The lab has no model."},
		}})
	default:
		writeJSON(q.w, http.StatusOK, object{"object": "list", "model": deployment, "usage": usage, "data": []any{
			object{"object": "embedding", "index": 0, "embedding": []any{0.0}},
		}})
	}
}
