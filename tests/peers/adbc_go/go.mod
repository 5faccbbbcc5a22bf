module peer

go 1.25.0

require github.com/apache/arrow-adbc/go/adbc v1.12.0
