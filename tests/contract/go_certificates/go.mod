module jobset-lite/go-certificates

go 1.22
