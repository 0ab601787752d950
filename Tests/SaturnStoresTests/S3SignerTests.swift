import SaturnCore
import Testing

@testable import SaturnStores

/// Signatures against those that AWS has published.
@Suite struct S3SignerTests {
    struct Vector: Sendable, CustomStringConvertible {
        var description: String
        var method = "GET"
        var path = "/"
        var query: [(String, String)] = []
        var headers: [(String, String)] = []
        var payload = S3Signer.emptyPayload
        var signature: String
    }

    /// The examples of S3's own documentation: the bucket `examplebucket`, 24 May 2013.
    static let examples = [
        Vector(
            description: "GET with a range", path: "/test.txt", headers: [("Range", "bytes=0-9")],
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        Vector(
            description: "PUT", method: "PUT", path: "/test%24file.text",
            headers: [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            payload: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        Vector(
            description: "GET of the lifecycle", query: [("lifecycle", "")],
            signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        Vector(
            description: "GET of a list", query: [("max-keys", "2"), ("prefix", "J")],
            signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ]

    @Test(arguments: examples) func exampleOfS3(_ vector: Vector) throws {
        let credentials = S3Credentials(
            accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        let time = try #require(Timestamp("2013-05-24T00:00:00.000000+00:00"))
        let signed = S3Signer(credentials: credentials, region: "us-east-1").sign(
            S3Signer.Request(
                method: vector.method, host: "examplebucket.s3.amazonaws.com", path: vector.path, query: vector.query,
                headers: vector.headers, payload: vector.payload), at: time)
        #expect(signed.last?.value.hasSuffix("Signature=\(vector.signature)") == true, "\(signed)")
    }

    /// Of the signature's own test suite: the service `service`, 30 August 2015.
    static let suite = [
        Vector(
            description: "get-vanilla",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Vector(
            description: "get-vanilla-query-order-key-case", query: [("Param2", "value2"), ("Param1", "value1")],
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        Vector(
            description: "post-vanilla", method: "POST",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        Vector(
            description: "get-vanilla-utf8-query", query: [("ሴ", "bar")],
            signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        Vector(
            description: "get-vanilla-query-unreserved",
            query: [
                (
                    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                )
            ], signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
        Vector(
            description: "get-header-value-trim",
            headers: [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        Vector(
            description: "post-header-key-sort", method: "POST", headers: [("My-Header1", "value1")],
            signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
        Vector(
            description: "post-header-value-case", method: "POST", headers: [("My-Header1", "VALUE1")],
            signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
        Vector(
            description: "post-x-www-form-urlencoded", method: "POST",
            headers: [("Content-Type", "application/x-www-form-urlencoded")],
            payload: Digest(of: "Param1=value1".utf8).description,
            signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ]

    @Test(arguments: suite) func vectorOfTheSuite(_ vector: Vector) throws {
        let credentials = S3Credentials(
            accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        let time = try #require(Timestamp("2015-08-30T12:36:00.000000+00:00"))
        let signed = S3Signer(credentials: credentials, region: "us-east-1", service: "service").sign(
            S3Signer.Request(
                method: vector.method, host: "example.amazonaws.com", path: vector.path, query: vector.query,
                headers: vector.headers, payload: vector.payload), at: time, withPayloadHeader: false)
        #expect(signed.last?.value.hasSuffix("Signature=\(vector.signature)") == true, "\(signed)")
    }

    @Test(arguments: [
        ("a b+c", "a%20b%2Bc"), ("é/%", "%C3%A9%2F%25"), ("-._~", "-._~"), ("&=?#", "%26%3D%3F%23"),
    ]) func encoding(_ text: String, _ encoded: String) {
        #expect(S3Encoding.encode(text) == encoded)
        #expect(S3Encoding.decode(encoded) == text)
    }

    @Test func answers() {
        let list = S3XML(
            Array(
                """
                <?xml version="1.0"?><ListBucketResult xmlns="x"><Name>b</Name><IsTruncated>true</IsTruncated>\
                <Contents><Key>a&amp;b &lt;&#233;&#xe9;&gt;</Key><Size>5</Size></Contents><Contents><Key>c</Key>\
                <Size>7</Size></Contents><KeyCount>2</KeyCount><Empty/></ListBucketResult>
                """.utf8))
        #expect(list.first("IsTruncated") == "true")
        #expect(list.all("Contents").map { $0.first("Key") } == ["a&b <éé>", "c"])
        #expect(list.all("Contents").map { $0.first("Size") } == ["5", "7"])
        #expect(list.first("Empty") == "")
        #expect(list.first("Nothing") == nil)
        #expect(S3XML(Array("<Key>cut".utf8)).first("Key") == nil)
    }
}
