// Reads JobTemplateSpecs, one JSON text a line, and writes each back as the Kubernetes Go types encode it: what every Go client
// does to a template between reading a JobSet and writing it (spec 2.3, K11).
//
// A line that does not decode is answered with {"error": "…"}, so that answers and questions stay side by side.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	batchv1 "k8s.io/api/batch/v1"
)

const maxLineBytes = 16 << 20

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, maxLineBytes)
	out := bufio.NewWriter(os.Stdout)
	for lines.Scan() {
		fmt.Fprintln(out, string(roundTrip(lines.Bytes())))
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "go_round_trip: read a line:", err)
		os.Exit(1)
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "go_round_trip: write the answers:", err)
		os.Exit(1)
	}
}

func roundTrip(text []byte) []byte {
	var template batchv1.JobTemplateSpec
	if err := json.Unmarshal(text, &template); err != nil {
		return failure(err)
	}
	encoded, err := json.Marshal(&template)
	if err != nil {
		return failure(err)
	}
	return encoded
}

func failure(err error) []byte {
	encoded, _ := json.Marshal(map[string]string{"error": err.Error()})
	return encoded
}
