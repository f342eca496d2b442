module calls

go 1.25.13

require github.com/civo/civogo v0.7.3
